"""Hypothesis draws the same examples at every run, however slow the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "deterministic", max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("deterministic")
