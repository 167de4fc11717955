"""What several of these tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from screener.records.store import Store
from screener.settings.surroundings import ARI_SECRET, MAIL_PASSWORD
from tests.shell.household import Write
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database of calls can be: neither it nor its folder is there yet."""
    return tmp_path / "data" / "calls.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """A database of no calls yet."""
    opened = Store(path)
    yield opened
    await opened.close()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a screener.toml into a folder that has all the folders it needs."""
    for variable in (ARI_SECRET, MAIL_PASSWORD):
        monkeypatch.delenv(variable, raising=False)
    for folder in ("rules", "grammars", "sounds"):
        (tmp_path / folder).mkdir()

    def write(text: str) -> Path:
        path = tmp_path / "screener.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
