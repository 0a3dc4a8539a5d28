"""With GRPO_TEST_NO_SKIP=1, as in .ci/run, a skipped test fails the run: there nothing may be missing."""

import os

import pytest

from bootstrap.settings import use_one_blas_thread

use_one_blas_thread()  # as the service does: small products on many threads take many times as long


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("GRPO_TEST_NO_SKIP"):
        terminalreporter.write_line(f"{len(skipped)} skipped tests, and none may be skipped here", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("GRPO_TEST_NO_SKIP"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
