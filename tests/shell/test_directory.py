"""Who rings and where messages go: what right tables become, and how wrong ones are refused."""

import re

import pytest

from screener.config import load
from tests.shell.household import PLAIN, Write, assert_refused, changed, mistakes_of


@pytest.mark.parametrize(
    ("written", "seconds"),
    [('"25s"', 25), ('"2m"', 120), ('"1.5 m"', 90), ("40", 40), ("7.5", 7.5)],
)
def test_times_are_read(write: Write, written: str, seconds: float) -> None:
    text = changed('phones = ["kitchen", "study"]', f'phones = ["study"]\nseconds = {written}')
    assert load(write(text)).groups["family"].seconds == seconds


def test_a_did_is_read_as_people_write_it_in_the_country(write: Write) -> None:
    assert "+18182223333" in load(write(changed('"+18182223333"', '"(818) 222-3333"'))).doors


def test_each_did_may_offer_its_own_extensions(write: Write) -> None:
    text = changed("[phones]", '[extensions.2]\nring = "family"\nbox = "family"\n[phones]')
    text += '[dids."+18182224444"]\nring = "family"\nbox = "family"\nextensions = ["2"]\n'
    doors = load(write(text)).doors
    assert set(doors["+18182223333"].extensions) == {"1", "2"}
    assert set(doors["+18182224444"].extensions) == {"2"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('[dids."+18182223333"]', '[dids."+1"]', 'dids."+1" = "+1": expected a telephone number'),
        ('ring = "family"', 'ring = "famly"', 'ring = "famly": there is no such ring group'),
        ('ring = "family"', 'ring = "famly"', 'did you mean "family"?'),
        ('box = "family"', "", 'dids."+18182223333".box is missing'),
        ('["kitchen", "study"]', "[]", "groups.family.phones = []: a group needs at least one"),
        ('["kitchen", "study"]', '["kitchn"]', '"kitchn" in it: there is no such phone'),
        ('["kitchen", "study"]', '["study", "study"]', '"study" stands in it twice'),
        ('["kitchen", "study"]', '"kitchen"', 'expected a list like ["kitchen"]'),
        ("[extensions.1]", "[extensions.one]", "expected an extension of 1 to 8 digits"),
        ("[extensions.1]", '[extensions."\\u0661"]', "expected an extension of 1 to 8 digits"),
        ('"Doctor Smith"', '"family"', '"family" stands in it twice'),
        ('"Doctor Smith"', '"door 5"', '"door 5" in it: expected words of letters only'),
        ('"Doctor Smith"', '"a | b"', "expected words of letters only"),
        ('"Doctor Smith"', '""', "expected words of letters only"),
        ('"you@example.net"', '"you"', '"you" in it: expected a mail address'),
        ('"you@example.net"', '"a@b\\nBcc: c@d"', "expected a mail address"),
        ('"you@example.net"', '"you..me@example.net"', "expected a mail address"),
        ('"you@example.net"', '"you@example..net"', "expected a mail address"),
        ('["you@example.net"]', "[]", "boxes.family.mail = []: a box needs at least one"),
        ("[groups.family]", '[groups."my family"]', "expected a name of letters a-z, digits"),
        ("kitchen = ", '"a,b" = ', 'phones."a,b" = "a,b": expected a name of letters'),
        ('"PJSIP/kitchen"', '"PJSIP/a&PJSIP/b"', 'expected "PJSIP/" and a name'),
        ('"PJSIP/kitchen"', '"SIP/kitchen"', 'expected "PJSIP/" and a name'),
        ('"PJSIP/kitchen"', '"PJSIP/study"', "is the same phone as phones."),
    ],
)
def test_a_mistake_names_file_key_value_and_what_was_expected(
    write: Write, old: str, new: str, said: str
) -> None:
    assert_refused(write(changed(old, new)), said)


def test_no_extension_at_all_is_refused(write: Write) -> None:
    text = re.sub(r"\[extensions\.1\].*?(?=\[phones\])", "", PLAIN, flags=re.DOTALL)
    assert "unknown callers could reach nobody" in mistakes_of(write(text))[0]


def test_an_extension_that_no_did_offers_is_refused(write: Write) -> None:
    text = changed('box = "family"', 'box = "family"\nextensions = ["1"]')
    text += '[extensions.2]\nring = "family"\nbox = "family"\n'
    assert mistakes_of(write(text))[0].endswith("so no caller could reach it")


def test_a_spoken_name_reaches_one_extension(write: Write) -> None:
    text = PLAIN + '[extensions.2]\nnames = ["doctor SMITH"]\nring = "family"\nbox = "family"\n'
    assert "extension 1 of dids" in mistakes_of(write(text))[0]


def test_a_spoken_name_is_not_anothers_number(write: Write) -> None:
    text = PLAIN + '[extensions.2]\nnames = ["one"]\nring = "family"\nbox = "family"\n'
    assert "is how a caller says extension 1" in mistakes_of(write(text))[0]


def test_the_same_did_in_two_spellings_is_refused(write: Write) -> None:
    text = PLAIN + '[dids."818-222-3333"]\nring = "family"\nbox = "family"\n'
    assert "is the same number as +18182223333" in mistakes_of(write(text))[0]
