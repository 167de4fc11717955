"""A doorbell in screener.toml, and a number that remembers who answered the challenge."""

from __future__ import annotations

import pytest

from screener.config import Settings, load
from tests.shell.household import PLAIN, Write, assert_refused, changed

BELL = '[dids."+18182224444"]\nring = "family"\ndoorbell = true\n{}\n[extensions.1]'
DID = '[dids."+18182223333"]\n'


@pytest.fixture(autouse=True)
def no_secrets_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCREENER_ARI_SECRET", raising=False)


def loaded(write: Write, text: str) -> Settings:
    return load(write(text))


def test_a_doorbell_needs_no_more_than_a_group(write: Write) -> None:
    settings = loaded(write, changed("[extensions.1]", BELL.format("")))
    bell = settings.doors["+18182224444"]
    assert bell.doorbell
    assert bell.group is settings.groups["family"]
    assert not bell.extensions
    assert not settings.doors["+18182223333"].doorbell
    assert not any("doorbell" in warning for warning in settings.warnings)


def test_what_means_nothing_at_a_doorbell_is_warned_about(write: Write) -> None:
    idle = 'box = "family"\nextensions = ["1"]\ntries = 2\nhours = "mon-fri 9:00-17:00"'
    settings = loaded(write, changed("[extensions.1]", BELL.format(idle)))
    [warning] = [each for each in settings.warnings if "doorbell" in each]
    named = ", ".join(f'dids."+18182224444".{k}' for k in ("box", "extensions", "tries", "hours"))
    assert warning == f"screener.toml: {named}: at a doorbell nothing is asked or recorded"


def test_a_doorbell_without_a_group_could_ring_nowhere(write: Write) -> None:
    bell = BELL.format("").replace('ring = "family"\n', "")
    assert_refused(write(changed("[extensions.1]", bell)), "expected the name of a ring group")


def test_the_number_of_no_extension_is_still_none(write: Write) -> None:
    text = changed('ring = "family"\n', 'ring = "family"\ndoorbell = true\n')
    assert_refused(write(text), "is in no DID's list of extensions")


@pytest.mark.parametrize("value", ['"yes"', "1"])
def test_a_doorbell_is_one_or_is_none(write: Write, value: str) -> None:
    text = changed(DID, f"{DID}doorbell = {value}\n")
    assert_refused(write(text), "expected true or false, without quotes")


@pytest.mark.parametrize(("value", "seconds"), [('"90d"', 7_776_000.0), ('"1h"', 3600.0)])
def test_how_long_an_answer_is_remembered(write: Write, value: str, seconds: float) -> None:
    settings = loaded(write, changed(DID, f"{DID}remember = {value}\n"))
    assert settings.doors["+18182223333"].remembered == seconds
    assert loaded(write, PLAIN).doors["+18182223333"].remembered == 0


@pytest.mark.parametrize("value", ['"ever"', '"4000d"', "-1"])
def test_nobody_is_remembered_for_ever(write: Write, value: str) -> None:
    assert_refused(write(changed(DID, f"{DID}remember = {value}\n")), "from 0s to 3660d")


def test_a_box_names_a_phone_that_takes_text_messages(write: Write) -> None:
    mail = 'mail = ["you@example.net"]\n'
    settings = loaded(write, changed(mail, f'{mail}notify = "PJSIP/kitchen"\n'))
    assert settings.boxes["family"].notify == "PJSIP/kitchen"
    assert_refused(write(changed(mail, f'{mail}notify = "kitchen"\n')), '"PJSIP/kitchen"')
