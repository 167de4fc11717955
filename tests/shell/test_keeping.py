"""[keep] of screener.toml: how long each kind is kept, and what has moved there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from screener.config import load
from screener.settings.keeping import KEYS, KeepSettings
from tests.shell.household import PLAIN, Write, assert_refused, changed, mistakes_of

DAY = timedelta(days=1)


def test_what_is_kept_unless_said() -> None:
    usual = KeepSettings()
    kept = (usual.calls, usual.messages, usual.transcripts, usual.heard, usual.events)
    assert kept == (730 * DAY, 90 * DAY, 90 * DAY, 30 * DAY, 730 * DAY)


def test_each_kind_is_kept_for_as_long_as_is_said(write: Write) -> None:
    written = """[keep]
calls = "always"
messages = "2w"
transcripts = "0d"
heard = "12h"
events = "9mo"
"""
    keep = load(write(PLAIN + written)).keep
    assert (keep.calls, keep.messages, keep.transcripts) == (None, 14 * DAY, 0 * DAY)
    assert (keep.heard, keep.events) == (timedelta(hours=12), 270 * DAY)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", ['"30"', "30", '""', "true", '"-1d"', '"1e9d"', "[]"])
def test_what_is_no_time_is_refused(write: Write, key: str, value: str) -> None:
    path = write(f"{PLAIN}[keep]\n{key} = {value}\n")
    assert_refused(path, f"keep.{key} = ")
    assert_refused(path, "expected how long")


@pytest.mark.parametrize(
    ("key", "value"),
    [("calls", "0d"), ("calls", "12h"), ("messages", "0d"), ("events", "1h"), ("heard", "always")],
)
def test_what_would_do_harm_is_refused(write: Write, key: str, value: str) -> None:
    assert_refused(write(f'{PLAIN}[keep]\n{key} = "{value}"\n'), f"keep.{key} = ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[mail]\nkeep_days = 30\n", "mail.keep_days = 30: is keep.messages now"),
        ('[speech]\nkeep_heard = "30d"\n[mail]\n', 'speech.keep_heard = "30d": is keep.heard now'),
    ],
)
def test_an_old_key_names_the_new_one(write: Write, old: str, new: str) -> None:
    [mistake] = mistakes_of(write(changed("[mail]\n", old)))
    assert new in mistake
