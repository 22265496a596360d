"""What the crash runs came to, at the end of the test run's report, whatever pytest captures."""

from __future__ import annotations

import pytest

BILL = "crash run"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The bill of every run, as its test recorded it under `BILL`."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    bills = [str(told) for report in reports for name, told in report.user_properties if name == BILL]
    if bills:
        terminalreporter.section("crash runs")
        for bill in bills:
            terminalreporter.write_line(bill)
