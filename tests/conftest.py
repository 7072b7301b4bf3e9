# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run left out is told, and with MESHLAB_SKIPS=fail, as in `make test-all`, it is a failure."""

from __future__ import annotations

import os

import pytest
from _pytest.terminal import TerminalReporter

VARIABLE = "MESHLAB_SKIPS"


def skipped(config: pytest.Config) -> dict[str, str]:
    """Return the tests and files that were skipped in this run, with their reasons; {} where skips are no failure."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(VARIABLE) != "fail" or reporter is None:
        return {}
    return {
        report.nodeid: report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in reporter.stats.get("skipped", [])
    }


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run that left something out into a red one."""
    if skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Name what was left out."""
    left_out = skipped(config)
    if left_out:
        terminalreporter.section(f"{len(left_out)} left out, which {VARIABLE}=fail forbids", red=True)
        for name, reason in left_out.items():
            terminalreporter.write_line(f"{name}: {reason}")
