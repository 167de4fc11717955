"""A household's screener.toml, as short as it can be, and what becomes of it when it is changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from screener.config import load
from screener.errors import ConfigError

Write = Callable[[str], Path]

PLAIN = """
country = "US"
[dids."+18182223333"]
ring = "family"
box = "family"
[extensions.1]
names = ["family", "Doctor Smith"]
ring = "family"
box = "family"
[phones]
kitchen = "PJSIP/kitchen"
study = "PJSIP/study"
[groups.family]
phones = ["kitchen", "study"]
[boxes.family]
mail = ["you@example.net"]
[mail]
sender = "screener@example.net"
"""


def mistakes_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.mistakes)


def changed(old: str, new: str, text: str = PLAIN) -> str:
    assert old in text
    return text.replace(old, new, 1)


def assert_refused(path: Path, said: str) -> None:
    """The file is refused, among others with what is `said`, and every mistake says where it is."""
    mistakes = mistakes_of(path)
    assert any(said in mistake for mistake in mistakes), mistakes
    assert all(mistake.startswith(f"{path}: ") for mistake in mistakes)
    assert not any("\n" in mistake for mistake in mistakes)
