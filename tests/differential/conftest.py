"""Time limits of this folder: Hypothesis needs minutes to make a failing case small, and a deep run has no limit."""

from pathlib import Path

import pytest

from tests.differential.support import PROFILE

HERE = Path(__file__).parent
SECONDS = {"ci": 600, "deep": 0}  # 0: none


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests here, and no others, their own limit."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(SECONDS[PROFILE]))
