"""Adapters of the JobExecutor port."""
