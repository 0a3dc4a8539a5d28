"""Adapters of the JobRepository and ModelRepository ports."""
