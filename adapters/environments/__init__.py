"""Environments behind the ports `VectorEnvironment` and `EnvironmentFactory`."""
