"""`screener rules import` and `export`: files come in and go out; nothing is ever lost."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener import config
from screener.cli.exchange import export, import_
from screener.core import rulefile
from screener.core.conditions import Named
from screener.core.foreign import Format
from screener.core.pattern import NamePattern
from screener.core.rules import Action, Rule
from screener.errors import ScreenerError
from screener.rules import contacts, exchange
from tests.shell.household import PLAIN, Write

SAMPLES = Path(__file__).parents[1] / "fixtures" / "exchange"


@pytest.fixture
def house(write: Write) -> Path:
    """A front door's folder, with no rules yet."""
    return write(PLAIN).parent


def run(command: object, *words: object, house: Path) -> Result:
    assert command in (import_, export)
    chosen = import_ if command is import_ else export
    return CliRunner().invoke(chosen, [*map(str, words), "--dir", str(house)])


def done(command: object, *words: object, house: Path) -> str:
    result = run(command, *words, house=house)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: object, house: Path) -> str:
    """The sentence that an import is refused with; nothing was written."""
    before = contents(house)
    result = run(import_, *words, house=house)
    assert isinstance(result.exception, ScreenerError), result.output
    assert contents(house) == before
    return str(result.exception)


def contents(house: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((house / "rules").iterdir())}


def rules_of(house: Path) -> list[Rule]:
    found: list[Rule] = []
    for path in sorted((house / "rules").glob("*.rules")):
        rules, mistakes = rulefile.parse(path.read_text("utf-8"), path.name, "US")
        assert mistakes == ()
        found += rules
    return found


def test_a_list_becomes_rules_in_a_file_of_its_own(house: Path) -> None:
    said = done(import_, SAMPLES / "freepbx.csv", house=house)
    lines = (house / "rules" / "3-freepbx.rules").read_text("utf-8").splitlines()
    assert lines[0].startswith("# imported from freepbx.csv (FreePBX), ")
    assert lines[1:] == [
        'block from +18005551212 "Telemarketer"',
        'block from +14155550123 "Jim: the ""free cruise"" man"',
        'block from +19005550100 "from FreePBX"',
        'block from +17042345678 "Roofing, again called twice"',
        'block withheld "FreePBX: block unknown callers"',
    ]
    path = house / "rules" / "3-freepbx.rules"
    assert said.splitlines() == [
        "freepbx.csv: FreePBX (its header is number,description)",
        "5 new rules, 0 there already, 2 skipped",
        '  line 5: 5550100,"local number": it has no area code',
        '  line 8: dest,"app-blackhole,hangup,1": it says where FreePBX sent them; '
        "see the word play",
        f"written: {path}, lines 1 to 6",
        f"to undo: remove {path}",
    ]


def test_what_is_there_already_is_not_written_again(house: Path) -> None:
    rules = house / "rules"
    (rules / "2-block.rules").write_text(
        'block from 900-555-0100, 800-555-1212 "mine" play busy\nallow from 415-555-0123\n', "utf-8"
    )
    said = done(import_, SAMPLES / "astdb.txt", house=house)
    assert "2 new rules, 2 there already, 2 skipped" in said
    before = contents(house)
    again = done(import_, SAMPLES / "astdb.txt", house=house)
    assert "0 new rules, 4 there already" in again
    assert "written" not in again
    assert contents(house) == before


def test_lines_are_appended_and_the_owners_stay_byte_for_byte(house: Path) -> None:
    path = house / "rules" / "3-freepbx.rules"
    mine = b'# mine\r\n\r\nblock   from +1900*   "premium"\r\n# no end'
    path.write_bytes(mine)
    said = done(import_, SAMPLES / "freepbx.csv", house=house)
    assert path.read_bytes().startswith(mine + b"\r\n# imported from")
    assert f"to undo: remove lines 5 to 10 of {path}" in said
    assert len(rules_of(house)) == 6


def test_a_dry_run_writes_nothing(house: Path) -> None:
    said = done(import_, SAMPLES / "freepbx.csv", "--dry-run", house=house)
    assert contents(house) == {}
    assert "would be written to 3-freepbx.rules:" in said
    assert '  block from +18005551212 "Telemarketer"' in said


def test_a_whitelist_comes_before_what_blocks(house: Path) -> None:
    done(import_, SAMPLES / "ncidd.whitelist", house=house)
    done(import_, SAMPLES / "whitelist.dat", "--to", "0-friends.rules", house=house)
    assert {(r.file, r.action) for r in rules_of(house)} == {
        ("1-ncid.rules", Action.ALLOW),
        ("0-friends.rules", Action.ALLOW),
    }


def test_a_list_that_does_not_say_what_it_is_for_must_be_told(house: Path) -> None:
    said = refused(SAMPLES / "numbers.txt", house=house)
    assert said == "numbers.txt does not say what its entries are: give --as block or --as allow"
    done(import_, SAMPLES / "numbers.txt", "--as", "allow", house=house)
    assert {rule.action for rule in rules_of(house)} == {Action.ALLOW}


def test_a_format_can_be_given(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("MARKETING\n", "utf-8")
    said = done(import_, path, "--format", "ncid", "--as", "block", house=house)
    assert "list: NCID (as you said)" in said
    (rule,) = rules_of(house)
    assert rule.conditions == (Named((NamePattern("*MARKETING*"),)),)


@pytest.mark.parametrize(
    "name", ["../evil.rules", "evil", "/tmp/evil.rules", "a/b.rules", ".rules/"]
)
def test_a_rule_file_stands_beside_the_others(house: Path, name: str) -> None:
    said = refused(SAMPLES / "freepbx.csv", "--to", name, house=house)
    assert "expected the name of a rule file" in said


def test_the_export_of_callattendants_database_is_taught(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "callattendant.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(100))
    assert 'sqlite3 -csv -header callattendant.db "select * from Blacklist"' in refused(
        path, house=house
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(50), "save it as CSV"),
        (b"\x7fELF" + bytes(50), "is no text"),
        (bytes(1000), "is no text"),
    ],
)
def test_what_is_no_list_is_refused(house: Path, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "blacklist"
    path.write_bytes(content)
    assert said in refused(path, house=house)


def test_a_file_that_is_not_there_is_refused(house: Path, tmp_path: Path) -> None:
    assert "is not there" in refused(tmp_path / "none", house=house)
    assert "is no file" in refused(tmp_path, house=house)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    assert "is no file" in refused(fifo, house=house)


def test_a_list_too_long_to_read_is_for_number_lists(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "blacklist.txt"
    path.write_text("".join(f"+1415{i:07}\n" for i in range(2_000_000, 2_005_001)), "utf-8")
    said = refused(path, house=house)
    assert "screener lists import blacklist.txt" in said
    path.write_text("nothing\n" * (exchange.MOST_LINES + 1), "utf-8")
    assert "screener lists import" in refused(path, house=house)


def test_a_long_list_within_the_limit_is_taken(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "blacklist.txt"
    path.write_text("".join(f"+1415{i:07}\n" for i in range(2_000_000, 2_002_000)) * 2, "utf-8")
    assert "2000 new rules, 2000 there already" in done(import_, path, house=house)
    assert len(rules_of(house)) == 2000


def test_nothing_to_import_is_a_failure(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "blacklist.txt"
    path.write_text("nothing\n\x1b[31mred\u202e\n" + "x" * 1_000_000, "utf-8")
    result = run(import_, path, house=house)
    assert result.exit_code == 1
    assert "nothing was imported" in result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert len(result.output) < 2000
    assert contents(house) == {}


def test_a_file_name_cannot_write_rules(house: Path, tmp_path: Path) -> None:
    path = tmp_path / 'blacklist\nallow from * "evil".txt'
    path.write_text("8005551212\n", "utf-8")
    done(import_, path, "--as", "block", house=house)
    assert [(r.action, str(r.conditions[0])) for r in rules_of(house)] == [
        (Action.BLOCK, "from +18005551212")
    ]


def test_a_change_made_meanwhile_is_never_overwritten(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config.load(house / "screener.toml")
    plan = exchange.read(SAMPLES / "freepbx.csv", settings)
    path = house / "rules" / "3-freepbx.rules"
    path.write_text("# written between planning and doing\n", "utf-8")
    done = exchange.carry_out(plan, settings)
    assert path.read_text("utf-8").startswith("# written between planning and doing\n# imported")
    assert done.undo == f"remove lines 2 to 7 of {path}"


# Address books -----------------------------------------------------------------------------------


def test_an_address_book_is_copied_and_named_by_a_rule(house: Path) -> None:
    said = done(import_, SAMPLES / "family.vcf", house=house)
    copy = house / "rules" / "family.vcf"
    assert copy.read_bytes() == (SAMPLES / "family.vcf").read_bytes()
    assert contacts.names(house / "rules") == {"family.vcf"}
    (line,) = (house / "rules" / "1-contacts.rules").read_text("utf-8").splitlines()
    assert line == 'allow contacts family.vcf "the address book"'
    assert "4 numbers in the address book" in said
    assert f"to undo: remove {house / 'rules' / '1-contacts.rules'}; remove {copy}" in said
    before = contents(house)
    assert "0 new rules, 1 there already" in done(import_, SAMPLES / "family.vcf", house=house)
    assert contents(house) == before


def test_another_address_book_of_the_name_is_not_overwritten(house: Path) -> None:
    (house / "rules" / "family.vcf").write_text("mine", "utf-8")
    said = refused(SAMPLES / "family.vcf", house=house)
    assert "is there already, and is another address book" in said


def test_the_copys_name_can_stand_in_a_rule(house: Path, tmp_path: Path) -> None:
    path = tmp_path / 'my "friends", & co #1.VCF'
    path.write_bytes((SAMPLES / "family.vcf").read_bytes())
    done(import_, path, "--as", "block", "--to", "9-last.rules", house=house)
    assert contacts.names(house / "rules") == {"my-friends-co-1.vcf"}
    (line,) = (house / "rules" / "9-last.rules").read_text("utf-8").splitlines()
    assert line == 'block contacts my-friends-co-1.vcf "the address book"'


def test_an_address_book_without_numbers_is_refused(house: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.vcf"
    path.write_text("BEGIN:VCARD\nFN:X\nTEL:nothing\nEND:VCARD\n", "utf-8")
    said = refused(path, house=house)
    assert said.splitlines() == [
        "empty.vcf: no number in it",
        'empty.vcf:3: "nothing" of "X" was skipped: it is no telephone number',
    ]


# Out ---------------------------------------------------------------------------------------------

RULES = """
allow from +14155550100 "Mom"
block from +1900*, +19765550100 "=premium" play busy
block withheld
allow from 415-555-0101 "no ' quotes, but a comma"
"""


@pytest.fixture
def ruled(house: Path) -> Path:
    (house / "rules" / "1-mine.rules").write_text(RULES, "utf-8")
    return house


def test_the_numbers_of_rules_are_written_as_csv(ruled: Path) -> None:
    result = run(export, house=ruled)
    assert result.stdout_bytes.decode() == (
        "number,description,action,then\r\n"
        "+14155550100,Mom,allow,\r\n"
        "+1900*,'=premium,block,play busy\r\n"
        "+19765550100,'=premium,block,play busy\r\n"
        '+14155550101,"no \' quotes, but a comma",allow,\r\n'
    )
    assert result.stderr == (
        "4 numbers\n1 rule left out: they ask for more than the caller's number\n"
    )


def test_only_one_action_may_be_asked_for(ruled: Path) -> None:
    result = run(export, "--action", "block", house=ruled)
    assert [line.split(",")[0] for line in result.stdout.splitlines()[1:]] == [
        "+1900*",
        "+19765550100",
    ]


def test_a_vcard_holds_whole_numbers_and_the_rest_is_counted(ruled: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.vcf"
    result = run(export, "-o", path, house=ruled)
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"3 numbers written to {path}",
        "1 is left out: a vCard holds whole numbers only",
        "1 rule left out: they ask for more than the caller's number",
    ]
    numbers, troubles = contacts.read(path, "US")
    assert numbers == {
        "+14155550100": "Mom",
        "+19765550100": "=premium",
        "+14155550101": "no ' quotes, but a comma",
    }
    assert troubles == []


def test_an_export_overwrites_nothing(ruled: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine", "utf-8")
    result = run(export, "-o", path, house=ruled)
    assert result.exit_code == 2
    assert f"{path} is there already: remove it, or give another name" in result.stderr
    assert path.read_text("utf-8") == "mine"


def test_an_export_comes_back_as_the_same_rules(ruled: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    done(export, "-o", path, house=ruled)
    before = rules_of(ruled)
    (ruled / "rules" / "1-mine.rules").unlink()
    done(import_, path, house=ruled)
    after = {(rule.key, rule.label) for rule in rules_of(ruled)}
    assert ("allow when from +14155550100", "Mom") in after
    assert ("block play busy when from +1900*", "=premium") in after
    assert ("block play busy when from +19765550100", "=premium") in after
    assert len(after) == len(before)


def test_every_format_can_be_asked_for() -> None:
    (choice,) = (p for p in import_.params if p.name == "form")
    assert set(getattr(choice.type, "choices")) == {"auto", *Format}  # noqa: B009 (it is of Choice)
