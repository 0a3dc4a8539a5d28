"""The version of the service, apart from what takes long to import."""

VERSION = "0.1.0"
