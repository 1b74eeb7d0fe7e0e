"""Streamlit's own test runner takes the place of `__main__`; it is given back after each test."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Processes that later tests spawn look at `__main__` to find their way."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
