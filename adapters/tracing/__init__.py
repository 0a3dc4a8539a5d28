"""Traces through OpenTelemetry, which is an optional extra: nothing else imports this package while tracing is off."""
