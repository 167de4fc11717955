"""What the tests on a real line share: an Asterisk, a house with its front door, one event loop."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation, install
from tests.calls.phones import Phone
from tests.calls.stage import Stage
from tests.calls.trunk import TRUNK_PORT


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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trunk() -> AsyncIterator[Phone]:
    """What is behind the trunk: whatever number is dialled, this phone rings."""
    async with Phone("trunk", port=TRUNK_PORT) as phone:
        yield phone


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """The house that all tests call, screener running; tests take it as `stage`."""
    async with Stage(installation) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def stage(house: Stage) -> AsyncIterator[Stage]:
    """The house with a fresh record, its door open; afterwards nothing may be left in Asterisk."""
    await house.open()
    await house.fresh()
    yield house
    await house.assert_nothing_left()
