"""A deep run takes as long as it takes: no time limit for each test, which is there to cut off hangs in CI."""

from pathlib import Path

import pytest

from tests.differential.support import PROFILE

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lift the time limit of the tests here, and of no others."""
    if PROFILE == "deep":
        for item in items:
            if item.path.is_relative_to(HERE):
                item.add_marker(pytest.mark.timeout(0))
