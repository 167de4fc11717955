"""`screener feed`: the addresses of boxes' podcasts, shown, renewed and switched off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.checks import examine
from screener.cli import main
from tests.shell.household import PLAIN, Write, assert_refused, changed

MAIL = 'mail = ["you@example.net"]\n'
BOXES = changed(MAIL, f"{MAIL}feed = true\n[boxes.office]\n{MAIL}")
OUTSIDE = '[web]\nurl = "https://door.example.net"\n'
URL = r"https?://\S+/feed/[A-Za-z0-9_-]{32}/feed\.xml"


def feed(toml: Path, *arguments: str, typed: str = "") -> Result:
    words = ["feed", *arguments, "--dir", str(toml.parent)]
    return CliRunner().invoke(main, words, input=typed, env={"SCREENER_HOME": None})


def test_the_address_is_shown_and_stays_the_same(write: Write) -> None:
    toml = write(BOXES + OUTSIDE)
    first, second = feed(toml, "show", "family"), feed(toml, "show", "family")
    assert first.exit_code == 0
    assert first.output == second.output
    assert re.fullmatch(URL + "\n", first.output)


def test_a_new_address_is_another_and_off_is_off(write: Write) -> None:
    toml = write(BOXES + OUTSIDE)
    old = feed(toml, "show", "family").output
    new = feed(toml, "new", "family", "--yes")
    assert new.exit_code == 0
    [url] = re.findall(URL, new.output)
    assert url not in old
    off = feed(toml, "off", "family")
    assert "screener feed new family" in off.output
    shown = feed(toml, "show", "family")
    assert shown.exit_code == 0
    assert not re.search(URL, shown.output)
    assert "screener feed new family" in shown.output


def test_nobody_loses_his_address_unasked(write: Write) -> None:
    toml = write(BOXES + OUTSIDE)
    first = feed(toml, "new", "family")  # nobody has one yet
    assert re.fullmatch(f"the address:\n{URL}\n", first.output)
    old = feed(toml, "show", "family").output
    asked = feed(toml, "new", "family", typed="n\n")
    assert asked.exit_code == 1
    assert "Whoever hears family by the address that it has, hears it no more." in asked.output
    assert feed(toml, "new", "family").exit_code == 1  # nobody answers
    assert feed(toml, "show", "family").output == old
    assert feed(toml, "new", "family", typed="y\n").exit_code == 0
    assert feed(toml, "show", "family").output != old
    feed(toml, "off", "family")
    assert re.fullmatch(f"the address:\n{URL}\n", feed(toml, "new", "family").output)


def test_the_list_names_the_boxes_and_no_address(write: Write) -> None:
    toml = write(BOXES + OUTSIDE)
    for words in ((), ("list",)):
        listed = feed(toml, *words)
        assert listed.exit_code == 0
        assert re.fullmatch(r"family  has its address since .*\n", listed.output)
    feed(toml, "off", "family")
    assert "family  is off since" in feed(toml).output
    none = feed(write(PLAIN + OUTSIDE))
    assert "feed = true" in none.output


def test_whom_only_this_machine_reaches_is_told_so(write: Write) -> None:
    for web, said in (
        ("", "only this machine reaches http://127.0.0.1:8190"),
        ('[web]\nlisten = "[::1]:80"\n', "only this machine reaches http://[::1]:80"),
        ('[web]\nlisten = ""\n', "there are no pages"),
    ):
        shown = feed(write(BOXES + web), "show", "family")
        assert shown.exit_code == 0
        assert said in shown.stderr
        assert "web." in shown.stderr
    assert feed(write(BOXES + OUTSIDE), "show", "family").stderr == ""


@pytest.mark.parametrize(
    ("box", "said"),
    [("attic", "there is no box 'attic': expected one of family, office"),
     ("office", "office is no podcast: write feed = true into [boxes.office]")],
)  # fmt: skip
@pytest.mark.parametrize("command", ["show", "new", "off"])
def test_a_box_that_is_none_is_named(write: Write, command: str, box: str, said: str) -> None:
    refused = feed(write(BOXES), command, box)
    assert refused.exit_code == 2
    assert said in refused.output


async def test_check_says_who_cannot_subscribe(write: Write) -> None:
    lines = [str(f) async for f in examine(write(BOXES)) if f.about == "feeds"]
    assert lines[0] == "ok     feeds          family: `screener feed show BOX` shows the address"
    assert lines[1].startswith("note   feeds          only this machine reaches http://127.0.0.1:")
    outside = [f async for f in examine(write(BOXES + OUTSIDE)) if f.about == "feeds"]
    assert len(outside) == 1
    assert not [f async for f in examine(write(PLAIN)) if f.about == "feeds"]


@pytest.mark.parametrize("value", ['"yes"', "1", '"https://door.example.net"'])
def test_a_box_is_a_podcast_or_not(write: Write, value: str) -> None:
    path = write(changed(MAIL, f"{MAIL}feed = {value}\n"))
    assert_refused(path, "boxes.family.feed = ")
    assert_refused(path, "expected true or false")
