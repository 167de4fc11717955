"""Menus, hours and operators of screener.toml: what right tables become, and how wrong ones are
refused."""

from __future__ import annotations

import pytest

from screener.config import load
from screener.core.frontdoor import Choice, Reply, Step
from screener.voice import wording
from tests.shell.household import PLAIN, Write, assert_refused, changed, mistakes_of

MENUS = """
[extensions.2]
names = ["office"]
ring = "family"
box = "family"
[menus.main.choices]
1 = "extension 1"
2 = "menu services"
3 = { to = "message family", names = ["a message"] }
[menus.services.choices]
1 = "say opening-hours"
2 = "menu main"
3 = "operator"
4 = "directory"
5 = "call-back family"
6 = "emergency"
7 = { to = "extension 2", names = ["repairs"] }
"""
HOUSE = changed('box = "family"', 'box = "family"\nmenu = "main"') + MENUS
DID = "+18182223333"


def door_lines(lines: str, text: str = PLAIN) -> str:
    return changed('box = "family"', f'box = "family"\n{lines}', text)


def test_menus_are_read_with_where_they_lead_and_what_is_said(write: Write) -> None:
    read = load(write(HOUSE)).directory
    assert read.doors[DID].open.menu == read.menus["main"]
    assert tuple(read.menus["main"].choices.values()) == (
        Choice("1", Step.EXTENSION, "1", ("family", "doctor smith")),
        Choice("2", Step.MENU, "services", ("services",)),
        Choice("3", Step.MESSAGE, "family", ("a message",)),
    )
    assert tuple(read.menus["services"].choices.values()) == (
        Choice("1", Step.SAY, "opening-hours", ("opening hours",)),
        Choice("2", Step.MENU, "main", ("main",)),
        Choice("3", Step.OPERATOR, "", ("operator",)),
        Choice("4", Step.DIRECTORY, "", ("directory",)),
        Choice("5", Step.CALL_BACK, "family", ("call back",)),
        Choice("6", Step.EMERGENCY, "", ("emergency",)),
        Choice("7", Step.EXTENSION, "2", ("repairs",)),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"menu services"',
            '"menu service"',
            "there is no such menu in [menus.NAME]; did you mean",
        ),
        ('"extension 1"', '"extension 9"', "there is no such extension in [extensions]"),
        ('"message family"', '"message famly"', "there is no such message box in [boxes.NAME]"),
        ('"call-back family"', '"call-back"', 'expected one name behind "call-back"'),
        ('"operator"', '"operator 1"', 'expected nothing behind "operator"'),
        ('"operator"', '"operater"', 'did you mean "operator"?'),
        ('"operator"', '""', "expected where it leads"),
        ('"operator"', "1", "expected where it leads"),
        ('3 = "operator"', 'x = "operator"', "expected the keys, 1 to 8 digits"),
        ('["a message"]', '["a 1"]', "expected words of letters only"),
        ('{ to = "message family",', "{", "menus.main.choices.3.to is missing"),
        ('"say opening-hours"', '"say a.b"', "expected a name of letters a-z, digits"),
        ('["repairs"]', '["one"]', "is how a caller says 1"),
        ('["repairs"]', '["main"]', "has this name already"),
        ('["repairs"]', '["family"]', "has this name already"),
        ("say opening-hours", "say menu", "expected another prompt: menus are put together"),
        ("say opening-hours", "say menu-unnamed", "expected another prompt"),
        ('"menu services"', '"directory"', 'menus = "services": is no number\'s menu'),
        ("[menus.main.choices]", "[menus.main]\nchoice = 1\n[menus.main.choices]", "unknown key"),
    ],
)
def test_a_mistake_in_a_menu_is_told(write: Write, old: str, new: str, said: str) -> None:
    assert_refused(write(changed(old, new, HOUSE)), said)


@pytest.mark.parametrize("name", ["unnamed", "18182223333"])
def test_a_menu_whose_prompt_is_anothers_is_refused(write: Write, name: str) -> None:
    text = HOUSE.replace("menus.services", f"menus.{name}").replace("menu services", f"menu {name}")
    assert_refused(write(text), f'menus.{name} = "{name}": expected another name: the prompt menu-')


@pytest.mark.parametrize("template", wording.TEMPLATES)
@pytest.mark.parametrize(
    "lines", ['greeting = "{}"', 'hours = "mon 09:00-17:00"\nclosed = {{ greeting = "{}" }}']
)
def test_no_greeting_is_what_menus_are_made_of(write: Write, lines: str, template: str) -> None:
    assert_refused(write(door_lines(lines.format(template))), "expected another prompt")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('hours = "mon-sat 8-21"\nclosed = { greeting = "closed" }', '.hours = "mon-sat 8-21": '),
        ("hours = []\nclosed = {}", ".hours = []: expected days and hours"),
        ("operator = 1", ".operator = 1: expected the name of an extension in [extensions]"),
        ('greeting = "Müller"', '.greeting = "Müller": expected a name of letters'),
        ('greeting = "a\\u202eb\\u001b"', '.greeting = "a\\u202eb\\u001b": expected a name'),
    ],
)
def test_a_mistake_is_told_once_and_in_plain_words(write: Write, lines: str, said: str) -> None:
    (mistake,) = mistakes_of(write(door_lines(lines)))
    assert said in mistake


def test_a_doorbell_that_is_neither_true_nor_false_lacks_nothing_else(write: Write) -> None:
    text = f'{PLAIN}[dids."+18182224444"]\nring = "family"\ndoorbell = "yes"\n'
    (mistake,) = mistakes_of(write(text))
    assert '.doorbell = "yes": expected true or false' in mistake


def test_one_name_of_two_extensions_is_told_once(write: Write) -> None:
    text = changed('names = ["office"]', 'names = ["family"]', HOUSE)
    text = changed('2 = "menu services"', '2 = "menu services"\n4 = "extension 2"', text)
    (mistake,) = mistakes_of(write(text))
    assert 'extensions.2.names = "family": extension 1 of ' in mistake


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("PJSIP/kitchen", ()),
        ("PJSIP/Kitchen", ()),
        (
            "PJSIP/kitche",
            (
                'boxes.family.notify: "PJSIP/kitche" is none of the phones; expected one of'
                " PJSIP/kitchen, PJSIP/study",
            ),
        ),
    ],
)
def test_a_text_message_to_no_phone_is_warned_of(
    write: Write, notify: str, told: tuple[str, ...]
) -> None:
    mail = 'mail = ["you@example.net"]'
    assert load(write(changed(mail, f'{mail}\nnotify = "{notify}"'))).warnings == told


def test_a_menu_that_leads_only_to_itself_can_be_reached_by_nobody(write: Write) -> None:
    text = PLAIN + '[menus.loop.choices]\n1 = "menu loop"\n'
    assert mistakes_of(write(text)) == [
        mistake for mistake in mistakes_of(write(text)) if '"loop": is no number' in mistake
    ]


def test_a_menu_that_leads_to_itself_is_allowed(write: Write) -> None:
    text = door_lines('menu = "loop"') + '[menus.loop.choices]\n1 = "menu loop"\n'
    assert load(write(text)).doors[DID].open.menu is not None


def test_an_extension_may_be_reached_by_a_menu_alone(write: Write) -> None:
    listed = door_lines('extensions = ["1"]', HOUSE)
    assert set(load(write(listed)).doors[DID].extensions) == {"1"}
    unreached = changed('7 = { to = "extension 2", names = ["repairs"] }\n', "", listed)
    assert_refused(write(unreached), "is in no DID's list of extensions")


def test_a_door_with_a_menu_needs_no_extensions_of_its_own(write: Write) -> None:
    assert not load(write(door_lines("extensions = []", HOUSE))).doors[DID].extensions


# Hours, operator, language ------------------------------------------------------------------------


def test_an_operator_is_an_extension(write: Write) -> None:
    operator = load(write(door_lines('operator = "1"'))).doors[DID].operator
    assert operator is not None
    assert operator.number == "1"
    assert_refused(write(door_lines('operator = "0"')), "there is no such extension")


def test_outside_its_hours_a_number_takes_messages_unless_told_otherwise(write: Write) -> None:
    door = load(write(door_lines('hours = "mon-fri 09:00-17:00"'))).doors[DID]
    assert str(door.hours) == "mon-fri 09:00-17:00"
    assert door.closed == Reply("closed", None, Choice("", Step.MESSAGE, "family"))
    assert door.holiday is None


def test_closed_and_holiday_have_a_greeting_and_a_menu_or_an_aim(write: Write) -> None:
    lines = """greeting = "hello"
hours = "mon-fri 09:00-17:00"
closed = { greeting = "night", to = "extension 1" }
holidays = "feasts.ics"
holiday = { menu = "main" }"""
    path = write(door_lines(lines, PLAIN + MENUS))
    feast = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20301225\nSUMMARY:Christmas\nEND:VEVENT\n"
    calendar = f"BEGIN:VCALENDAR\nVERSION:2.0\n{feast}END:VCALENDAR\n"
    path.with_name("feasts.ics").write_text(calendar, encoding="ascii")
    read = load(path).directory
    door = read.doors[DID]
    assert door.open == Reply("hello")
    assert door.closed.greeting == "night"
    assert door.closed.to is not None
    assert (door.closed.to.step, door.closed.to.aim) == (Step.EXTENSION, "1")
    assert door.holiday == Reply("night", read.menus["main"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('hours = "mon-fry 9:00-17:00"', "'fry' is no day"),
        ("hours = 9", "expected days and hours, in quotes"),
        ('closed = { to = "message family" }', "it is never closed without them"),
        ('hours = "sat"\nclosed = { to = "directory" }', "expected one of message, extension"),
        ('hours = "sat"\nclosed = { to = "message x" }', "there is no such message box"),
        ('hours = "sat"\nclosed = { too = "operator" }', 'did you mean "to"?'),
        ('hours = "sat"\nclosed = { menu = "x" }', "there is no such menu"),
        ('greeting = "a b"', "expected a name of letters"),
        ('language = "German"', 'expected a language like "en"'),
    ],
)
def test_a_mistake_in_a_door_is_told(write: Write, lines: str, said: str) -> None:
    assert_refused(write(door_lines(lines)), said)


def test_a_closed_door_has_a_menu_or_an_aim_not_both(write: Write) -> None:
    lines = 'menu = "main"\nhours = "sat"\nclosed = { menu = "main", to = "operator" }'
    assert_refused(write(door_lines(lines, PLAIN + MENUS)), 'expected "menu" or "to", not both')


def test_where_callers_are_not_understood_in_its_language_only_keys_count(write: Write) -> None:
    """PocketSphinx has English only, unless somebody has given it another model."""
    for language, by_key in (("", False), ("en", False), ("en-GB", False), ("de", True)):
        own = f'language = "{language}"' if language else ""
        assert load(write(door_lines(own))).doors[DID].by_key is by_key
    speaks = '[speech]\nlanguage = "de"\n'
    assert load(write(door_lines("") + speaks)).doors[DID].by_key
    assert not load(write(door_lines('language = "en"') + speaks)).doors[DID].by_key


def test_a_model_of_ones_own_understands_the_language_of_the_house(write: Write) -> None:
    speaks = '[speech]\nlanguage = "de"\n'
    path = write(door_lines("") + speaks)
    (load(path).data / "models" / "vosk-de").mkdir(parents=True)
    assert not load(path).doors[DID].by_key
    assert load(write(door_lines('language = "en"') + speaks)).doors[DID].by_key
    assert load(write(door_lines("") + speaks + 'engine = "pocketsphinx"\n')).doors[DID].by_key
