"""What the tests on a real line share, and what the suite ran with, in its header."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation, install


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these tests share one event loop, as their Asterisk, phones and mail server do."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def installation() -> Installation:
    """An Asterisk to run: the machine's, or the one that screener installs for itself."""
    return install(lambda line: print(line, file=sys.stderr, flush=True))
