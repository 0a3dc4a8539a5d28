"""The version of the service, in a module that imports nothing."""

VERSION = "0.1.0"
