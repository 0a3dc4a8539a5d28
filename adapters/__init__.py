"""Adapters: each joins one technology to one port. They never see one another."""
