"""How the suite runs: on two cores at once, and with GRPO_TEST_NO_SKIP=1, as in .ci/run, failing where a test is skipped."""

import os

import pytest

from bootstrap.settings import use_one_blas_thread

_ORDER = pytest.StashKey[tuple[bool, bool]]()

use_one_blas_thread()  # as the service does: small products on many threads take many times as long


# Tests that start servers and train in worker processes, which give way to everything else. Side by side these would take the
# time from one another; one after the other they share the two cores with the rest.
TRAIN_IN_PROCESSES = {"chaos", "e2e", "examples", "test_blocks.py", "test_cli.py", "test_job_executor.py", "test_terminal.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups for pytest-xdist: those that train are one and come first, those of the browser another; otherwise each file."""
    for item in items:
        parts = set(item.path.parts)
        group = "train" if TRAIN_IN_PROCESSES & parts else "browser" if "browser" in parts else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
        item.stash[_ORDER] = (group != "train", group != "browser")
    items.sort(key=lambda item: item.stash[_ORDER])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("GRPO_TEST_NO_SKIP"):
        terminalreporter.write_line(f"{len(skipped)} skipped tests, and none may be skipped here", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("GRPO_TEST_NO_SKIP"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
