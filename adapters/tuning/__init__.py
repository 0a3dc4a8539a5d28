"""Choosing parameters."""
