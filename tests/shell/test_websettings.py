"""The table [web] of screener.toml."""

from __future__ import annotations

import pytest

from screener import config
from screener.settings.websettings import WebSettings
from tests.shell.household import PLAIN, Write


@pytest.mark.parametrize(
    ("web", "listen", "url"),
    [
        ("", ("127.0.0.1", 8190), "http://127.0.0.1:8190"),
        ('listen = ""', None, ""),
        ('listen = "[::1]:80"', ("::1", 80), "http://[::1]:80"),
        ('listen = "localhost:9"', ("localhost", 9), "http://localhost:9"),
        ('url = "https://door.example.net/x/"', ("127.0.0.1", 8190), "https://door.example.net/x"),
    ],
)
def test_where_the_pages_are(
    write: Write, web: str, listen: tuple[str, int] | None, url: str
) -> None:
    read = config.load(write(f"{PLAIN}[web]\n{web}\n"))
    assert read.web == WebSettings(listen, url)
    assert read.warnings == ()


def test_pages_that_others_can_read_on_the_way_are_warned_of(write: Write) -> None:
    read = config.load(write(f'{PLAIN}[web]\nlisten = "192.168.1.5:8190"\n'))
    assert "links go there in clear" in read.warnings[0]
    safe = f'{PLAIN}[web]\nlisten = "192.168.1.5:8190"\nurl = "https://door.example.net"\n'
    assert config.load(write(safe)).warnings == ()
