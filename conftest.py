"""How the suite runs: on two cores at once, and with GRPO_TEST_NO_SKIP=1, as in .ci/run, failing where a test is skipped."""

import os

import pytest

from bootstrap.settings import use_one_blas_thread

use_one_blas_thread()  # as the service does: small products on many threads take many times as long


# Tests that train in worker processes, which give way to everything else: side by side they would take the time from one
# another. Those that start servers and browsers mostly wait. Each kind is done one after the other, beside all the rest.
GROUPS = {
    "train": {
        "chaos",
        "test_backup.py",
        "test_chaos.py",
        "test_durability.py",
        "test_events.py",
        "test_server.py",
        "test_job_executor.py",
    },
    "browser": {"browser"},
    "servers": {"e2e", "examples", "test_blocks.py", "test_cli.py", "test_terminal.py"},
}


def group_of(item: pytest.Item) -> str:
    """One of GROUPS; otherwise each file is a group of its own."""
    parts = set(item.path.parts)
    return next((group for group, places in GROUPS.items() if places & parts), item.path.name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give pytest-xdist its groups, those that take longest first."""
    items.sort(key=lambda item: [*GROUPS, group_of(item)].index(group_of(item)))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("GRPO_TEST_NO_SKIP"):
        terminalreporter.write_line(f"{len(skipped)} skipped tests, and none may be skipped here", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("GRPO_TEST_NO_SKIP"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
