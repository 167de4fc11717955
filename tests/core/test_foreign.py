"""Lists of other programs: each format as its program writes it, and whatever else comes along."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener import textfile
from screener.core import foreign, number, rulefile
from screener.core.foreign import Format, Skipped, Source, recognise
from screener.core.foreign.listing import NO_ACTION
from screener.core.foreign.named import name_condition, number_condition
from screener.core.rules import Action, Rule

SAMPLES = Path(__file__).parents[1] / "fixtures" / "exchange"


def lines(name: str) -> list[tuple[int, str]]:
    return [(line, textfile.readable(text)) for line, text in textfile.lines(SAMPLES / name)]


def entries(
    name: str, action: Action | None = Action.BLOCK, country: str = "US"
) -> tuple[list[str], list[str]]:
    """A sample's rules as lines, and what was skipped, with their line numbers."""
    found = recognise(name, [text for _, text in lines(name)])
    rules, skipped = [], []
    for entry in foreign.read(Source(name, found.format, action, country), lines(name)):
        if isinstance(entry, Skipped):
            skipped.append(f"{entry.line}: {entry.why}")
        else:
            rules.append(f"{entry.line}: {rulefile.write(entry)}")
    return rules, skipped


def read(form: Format, *texts: str, country: str = "US") -> list[Rule | Skipped]:
    source = Source("list", form, Action.BLOCK, country)
    return list(foreign.read(source, enumerate(texts, start=1)))


def conditions(form: Format, text: str, country: str = "US") -> list[str]:
    """What each entry of a line asks, or why it becomes no rule."""
    found = read(form, text, country=country)
    return [e.why if isinstance(e, Skipped) else str(e.conditions[0]) for e in found]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("freepbx.csv", Format.FREEPBX),
        ("astdb.txt", Format.FREEPBX),
        ("callattendant-blacklist.csv", Format.CALLATTENDANT),
        ("blacklist.dat", Format.JCBLOCK),
        ("whitelist.dat", Format.JCBLOCK),
        ("ncidd.blacklist", Format.NCID),
        ("ncidd.whitelist", Format.NCID),
        ("numbers.txt", Format.TEXT),
        ("crm.csv", Format.CSV),
        ("family.vcf", Format.VCARD),
        ("android.vcf", Format.VCARD),
    ],
)
def test_each_format_is_recognised_by_what_is_in_it(name: str, form: Format) -> None:
    found = recognise("unnamed", [text for _, text in lines(name)])
    assert found.format is form
    assert found.why


def test_a_file_of_comments_only_is_text() -> None:
    assert recognise("list", ["# nothing", "", "// here"]).format is Format.TEXT
    assert recognise("list", []).format is Format.TEXT


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("ncidd.whitelist", Action.ALLOW),
        ("Permitted.csv", Action.ALLOW),
        ("blacklist.dat", Action.BLOCK),
        ("numbers.txt", None),
        ("black-and-white", None),
    ],
)
def test_a_files_name_may_say_what_its_entries_do(name: str, action: Action | None) -> None:
    assert foreign.action_by_name(name) is action


def test_freepbx_exports_numbers_and_descriptions() -> None:
    rules, skipped = entries("freepbx.csv")
    assert rules == [
        '2: block from +18005551212 "Telemarketer"',
        '3: block from +14155550123 "Jim: the ""free cruise"" man"',
        '4: block from +19005550100 "from FreePBX"',
        '6: block from +17042345678 "Roofing, again called twice"',
        '9: block withheld "FreePBX: block unknown callers"',
    ]
    assert skipped == [
        "5: it has no area code",
        "8: it says where FreePBX sent them; see the word play",
    ]


def test_asterisks_database_is_read_as_it_is_printed() -> None:
    rules, skipped = entries("astdb.txt")
    assert rules == [
        '1: block from +14155550123 "Jim: the ""free cruise"" man"',
        '2: block from +18005551212 "Telemarketer"',
        '4: block from +19005550100 "from FreePBX"',
        '5: block withheld "FreePBX: block unknown callers"',
    ]
    assert [line.partition(":")[0] for line in skipped] == ["3", "6"]


def test_the_rest_of_asterisks_database_is_no_list() -> None:
    found = read(
        Format.FREEPBX,
        "/AMPUSER/100/cidname                              : Jane                     ",
        "/blacklist/blocked                                : 0                        ",
        "2 results found.",
    )
    assert found == []


def test_callattendants_tables_are_read_by_their_header() -> None:
    rules, skipped = entries("callattendant-blacklist.csv")
    assert rules[:2] == [
        '2: block from +18005551212 "TOLL FREE CALLE"',
        '3: block from +13605554567 "Press 1 for your warranty"',
    ]
    assert skipped == []


def test_jcblock_searches_the_whole_caller_id() -> None:
    rules, skipped = entries("blacklist.dat")
    assert rules == [
        '2: block from +18005551212 "JUNK CALL"',
        '3: block name "*Cell Phone CA*" "ALL CA CELL PHONES"',
        '4: block name *MARKETING* "JUNK CALLS"',
        '5: block from +1809* "BAD AREA CODE"',
        '6: block from +191313* "BAD NUMBER"',
        '7: block withheld "private"',
        '8: block name "*FRIENDS OF*" "from jcblock"',
    ]
    assert [line.partition(" ")[0] for line in skipped] == ["9:", "10:", "11:"]


def test_ncid_holds_expressions_against_name_and_number() -> None:
    rules, skipped = entries("ncidd.blacklist")
    assert rules == [
        '3: block from +1999* "Unwanted area code"',
        '4: block from +1900* "from NCID"',
        '5: block name "*BAD MARKETING*" "from NCID"',
        '6: block name SURVEY* "from NCID"',
        '7: block name *Ogre* "Ogre & Sons"',
        '7: block from +13215551212 "Ogre & Sons"',
        '8: block from +14075555670 "Unwanted Marketing Call"',
        '9: block name /V[0-9]{12}/ "from NCID"',
        '11: block withheld "from NCID"',
    ]
    assert [line.partition(" ")[0] for line in skipped] == ["10:", "12:", "13:"]


def test_ncid_allows_what_is_whitelisted() -> None:
    rules, skipped = entries("ncidd.whitelist", Action.ALLOW)
    assert rules == [
        '1: allow from +14155550100 "WHT (415) 555-0100"',
        '2: allow name "CITY CLINIC*" "from NCID"',
    ]
    assert skipped == []


@pytest.mark.parametrize(
    ("expression", "asks"),
    [
        ("^18005551212", "from +18005551212"),
        ("^0900", "from +49900*"),
        ('"^BAD NEWS"', 'name "BAD NEWS*"'),
        ("PRIVATE", "withheld"),
        ("X", "it would match nearly every name"),
        ("A/B[0-9]", "name /A\\/B[0-9]/"),
        ("(", "it is an expression on numbers; a rule says how they begin (+1900*)"),
        ("A(", "it is no regular expression"),
    ],
)
def test_expressions_of_ncid(expression: str, asks: str) -> None:
    country = "DE" if expression == "^0900" else "US"
    assert conditions(Format.NCID, expression, country)[0].startswith(asks)


def test_a_table_is_read_by_its_header_in_the_country() -> None:
    rules, skipped = entries("crm.csv", country="DE")
    assert [rule.partition(" ")[2] for rule in rules] == [
        'block from +4930901820 "Anna Müller"',
        'block from +4930901821 "Joe Smith"',
    ]
    assert skipped == ["4: there is no number", "5: it is no telephone number in DE"]


@pytest.mark.parametrize(
    "text",
    [
        "8005551212,Telemarketer",
        "Telemarketer;800 555 1212",
        '"(800) 555-1212"\tTelemarketer\t2021-03-04',
        "+1 800 555 1212|Telemarketer",
    ],
)
def test_a_table_needs_no_header(text: str) -> None:
    assert recognise("list", [text]).format is Format.CSV
    (rule,) = read(Format.CSV, text)
    assert isinstance(rule, Rule)
    assert (str(rule.conditions[0]), rule.label) == ("from +18005551212", "Telemarketer")


def test_a_row_may_have_many_numbers_and_its_own_action() -> None:
    found = read(
        Format.CSV,
        "Name,Phone 1 - Value,Phone 2 - Value,List",
        "Mom,415 555 0100,415 555 0101,whitelist",
        "Spam,800 555 1212,,BLACK",
        "Odd,800 555 1213,,perhaps",
    )
    assert [rulefile.write(e) if isinstance(e, Rule) else e.why for e in found] == [
        'allow from +14155550100 "Mom"',
        'allow from +14155550101 "Mom"',
        'block from +18005551212 "Spam"',
        "perhaps is no action; expected allow or block",
    ]


def test_a_row_that_says_no_action_is_skipped_where_the_list_says_none() -> None:
    source = Source("list.csv", Format.CSV, None, "US")
    table = ["number,name,action", "8005551212,A,block", "8005551213,B,"]
    rule, skipped = foreign.read(source, enumerate(table, start=1))
    assert isinstance(rule, Rule)
    assert isinstance(skipped, Skipped)
    assert skipped.why == NO_ACTION


def test_a_quote_that_is_never_closed_costs_only_its_line() -> None:
    table = ["number,description", '8005551212,"open', *[f"90055501{i:02},ok" for i in range(30)]]
    found = read(Format.FREEPBX, *table)
    skipped = [e for e in found if isinstance(e, Skipped)]
    assert [s.line for s in skipped] == [2]
    assert len(found) == 31


def test_text_has_a_number_on_each_line_and_perhaps_a_name() -> None:
    rules, skipped = entries("numbers.txt")
    assert rules[:4] == [
        '2: block from +18005551212 "Telemarketer"',
        '3: block from +14155550123 "Jim ""the man"" #1"',
        '4: block from +19005550100 "premium"',
        '5: block from +1976* "all of 976"',
    ]
    assert rules[4].startswith("6: block from +12125550199")
    assert rules[5] == '8: block from +14155550177 "The ""school"" - again"'
    assert [line.partition(":")[0] for line in skipped] == ["7", "9", "10"]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("tel:+1-415-555-0100;ext=12", "tel:+1-415-555-0100;ext=12"),
        ("+1 415 555 0100,,42#", "+1 415 555 0100"),
        ("+14155550100p12", "+14155550100"),
        (" 1-800-FLOWERS ", "1-800-FLOWERS"),
    ],
)
def test_a_number_is_freed_of_what_stands_around_it(text: str, bare: str) -> None:
    assert foreign.bare_number(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "tel:+1-415-555-0100;ext=12",
        "sip:+14155550100@example.net;user=phone",
        "SIPS:%2B14155550100@example.net",
        "(415) 555-0100 x123",
        "0014155550100",
    ],
)
@pytest.mark.parametrize("form", [Format.TEXT, Format.CSV])
def test_numbers_come_as_uris_too(form: Format, text: str) -> None:
    assert conditions(form, text) == ["from +14155550100"]


@pytest.mark.parametrize("text", ["*", "?", "+*", "+1*", "+?????*", "1*", "+", "??*"])
@pytest.mark.parametrize("form", [Format.TEXT, Format.CSV, Format.NCID])
def test_nothing_becomes_a_rule_that_matches_nearly_every_call(form: Format, text: str) -> None:
    assert not [entry for entry in read(form, text) if isinstance(entry, Rule)]


@pytest.mark.parametrize(
    "then",
    [
        "play dead",
        "ring home",
        "withheld",
        '"label" play busy',
        "play busy # why",
        "play busy\nallow",
        "# nothing",
        "x" * 999,
    ],
)
def test_a_tail_that_is_none_makes_no_rule(then: str) -> None:
    row = '"' + then.replace('"', '""') + '"'
    found = read(Format.CSV, "number,description,action,then", f"+19005550100,x,block,{row}")
    assert not [entry for entry in found if isinstance(entry, Rule)]


# Hostile input -----------------------------------------------------------------------------------

FORMS = st.sampled_from([form for form in Format if form is not Format.VCARD])
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\"'#,;|\t\\*?/^=+-@\0\x1b\u2028\x85\u202e&<>\r 0159ABplayringexpires"),
        st.characters(),
    ),
    max_size=60,
)


@given(FORMS, st.lists(NASTY, max_size=8))
def test_any_text_gives_rules_or_reasons(form: Format, texts: list[str]) -> None:
    for entry in read(form, *texts):
        if isinstance(entry, Skipped):
            assert entry.why
            assert str(entry).isprintable()
        else:
            assert_one_rule(entry)


@given(NASTY, st.sampled_from(["+14155550100", "9005550100", "+1900*"]))
def test_whatever_the_name_the_line_is_one_rule(name: str, number: str) -> None:
    source = Source("list.csv", Format.FREEPBX, Action.BLOCK, "US")
    found = number_condition(number, "US")
    assert not isinstance(found, str)
    entry = source.entry(1, number, found, name)
    assert isinstance(entry, Rule)
    assert_one_rule(entry)


@given(NASTY)
def test_whatever_the_name_glob_the_line_is_one_rule(name: str) -> None:
    condition = name_condition(f"*{name}*")
    if not isinstance(condition, str):
        assert_one_rule(Rule(Action.BLOCK, (condition,), "a label"))


def assert_one_rule(rule: Rule) -> None:
    """The rule's line is one line, and reads back as the rule."""
    line = rulefile.write(rule)
    assert len(line.splitlines()) == 1
    line.encode("utf-8")
    read, mistakes = rulefile.parse(line, "x.rules", "US")
    assert mistakes == ()
    assert [(r.key, r.label or rule.label) for r in read] == [
        (rule.key, rule.label or r_label(read))
    ]


def r_label(read: tuple[Rule, ...]) -> str:
    """The label that the parser gives to a rule without one."""
    return read[0].label


def test_a_long_line_and_a_heap_of_quotes_are_no_trouble() -> None:
    for form in Format:
        found = read(form, '"' * 100_000, "x" * 1_000_000, "1" * 100_000, ",".join("ab" * 50_000))
        assert not [entry for entry in found if isinstance(entry, Rule)]


@pytest.mark.parametrize("text", ["555-0100", "5550100"])
def test_a_number_without_its_area_code_is_told(text: str) -> None:
    assert number.is_local(number.read(text, "US").e164)
    assert not number.is_local(number.read("415 " + text, "US").e164)
