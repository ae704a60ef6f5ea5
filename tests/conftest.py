"""Says loudly, at the end of a run, which tests did not run because something they need is not here."""

from _pytest.terminal import TerminalReporter

from tests.support import unmet


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print each need that was not met and how many tests were skipped for it."""
    needs = unmet(terminalreporter.stats.get("skipped", []))
    if not needs:
        return
    terminalreporter.section("NOT TESTED: something is missing here", sep="!", red=True, bold=True)
    for need, count in sorted(needs.items()):
        terminalreporter.line(f"{count} skipped: {need}", red=True)
    terminalreporter.line("In CI each of these is a failure.", red=True)
