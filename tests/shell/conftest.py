"""What several of these tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.shell.post import MailServer, wav


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server that takes every mail, until it is told otherwise."""
    server = MailServer()
    async with server.up():
        yield server


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A recording of two seconds."""
    return wav(tmp_path / "take.wav", 2.0)
