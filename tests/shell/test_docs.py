"""The documentation knows every command, setting, rule word and prompt, and no others."""

import inspect
import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from screener import config, starter
from screener.cli import main
from screener.core import rulefile
from screener.core.frontdoor import Announced
from screener.core.headline import headline
from screener.core.reckoning import gather
from screener.errors import ConfigError
from screener.settings import codes
from screener.settings.surroundings import ARI_SECRET, MAIL_PASSWORD
from screener.voice import prompts, wording
from screener.voice.prompts import Prompts
from tests.calls import demo
from tests.fixtures import quarter

TREE = Path(__file__).parents[2]
README = (TREE / "README.md").read_text(encoding="utf-8")
STARTER = (TREE / "screener" / "starter" / "screener.toml").read_text(encoding="utf-8")

EXAMPLES = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
"""The whole files of screener.toml that the README shows."""

OWN_NAMES = {
    "dids": "NUMBER",
    "extensions": "DIGITS",
    "menus": "NAME",
    "groups": "NAME",
    "phones": "NAME",
    "boxes": "NAME",
}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that can be typed, with the words that are typed."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{path} {name}")
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command


def keys() -> Iterator[tuple[str, str]]:
    """Every key of screener.toml: its section, its name."""
    for section, names in config.KEYS.items():
        for name in names:
            if section or name not in {*config.KEYS, "phones"}:
                yield section, name
    yield "phones", ""


def written(section: str, key: str) -> str:
    """The key as the README's table names it; of a phone, the name alone will do."""
    return ".".join(part for part in (section, OWN_NAMES.get(section, ""), key) if part)


COMMANDS = dict(commands(main, "screener"))


@pytest.mark.parametrize("path", COMMANDS)
def test_the_readme_names_every_command_and_option(path: str) -> None:
    assert re.search(rf"`{path}\b", README)
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}`" in README, option.opts[0]


def test_the_readme_names_no_command_that_is_not_there() -> None:
    for words in re.findall(r"`(screener(?: [a-z]+)+)", README):
        assert words in COMMANDS, words


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_teaches_with_an_example(path: str) -> None:
    command = COMMANDS[path]
    text = inspect.cleandoc(command.help or "")
    example = re.search(r"\nExamples?:\n(?P<lines>( +.*\n?)+)", text)
    assert example is not None
    assert re.search(rf"^ +{path}\b", example["lines"], re.MULTILINE)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_the_readmes_keys_are_the_keys() -> None:
    rows = re.findall(r"^\| `([a-zA-Z_.]+)` \|[^|\n]*\|[^|\n]*\|$", README, re.MULTILINE)
    assert sorted(rows) == sorted(written(*key) for key in keys())


@pytest.mark.parametrize(("section", "key"), list(keys()))
def test_the_starter_file_shows_every_key_in_its_section(section: str, key: str) -> None:
    sections = re.split(r"^\[", STARTER, flags=re.MULTILINE)
    own = [part for part in sections[1:] if re.match(rf"{section}[.\]]", part)]
    text = "\n".join(own) if section else sections[0]
    assert re.search(rf"^(# )?{key or 'kitchen'} += ", text, re.MULTILINE)


def test_the_starter_file_shows_no_key_that_is_not_there() -> None:
    shown = set(re.findall(r"^(?:# )?([a-z_]+) = ", STARTER, re.MULTILINE))
    own = {"kitchen", "study"}
    assert shown - own == {name for _, name in keys() if name}


def test_the_readme_explains_every_word_of_the_rules_and_no_others() -> None:
    section = README.split("### Rules\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| ((?:`[^`|]+` ?)+) \| [^|]+ \|$", section, re.MULTILINE)
    words = [word for row in rows for word in re.findall("`([^`]+)`", row)]
    assert sorted(words) == sorted(rulefile.WORDS)
    assert len(rows) == section.count("\n|") - 2  # what is no row of words is the table's head


@pytest.mark.parametrize("name", prompts.REQUIRED)
def test_the_readme_names_every_prompt(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("variable", [ARI_SECRET, MAIL_PASSWORD, codes.STUDIO_PIN, "SCREENER_HOME"])
def test_the_readme_names_every_environment_variable(variable: str) -> None:
    assert f"`${variable}`" in README


def test_the_readmes_household_loads_and_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ARI_SECRET, raising=False)
    home = tmp_path / "home"
    starter.write(home)
    (home / "ari-secret").write_text("hidden\n")
    (home / "ari-secret").chmod(0o600)
    (home / config.FILE).write_text(EXAMPLES[0], encoding="utf-8")
    read = config.load(home / config.FILE)
    assert read.warnings == ()
    (door,) = read.doors.values()
    night = datetime(2026, 11, 21, 23, 0)
    assert door.reply(night).greeting == "closed"
    menu = door.open.menu
    assert menu is not None
    assert [str(choice) for choice in menu.choices.values()] == [
        *("extension 1", "extension 2", "call-back family", "directory")
    ]
    group = door.group
    assert group.announced is Announced.UNKNOWN
    assert [(phone.name, phone.delay, phone.confirm) for phone in group.phones] == [
        *(("kitchen", 0, False), ("study", 0, False), ("mobile", 10, True))
    ]
    assert "menu-main" in {prompt.name for prompt in Prompts.open(read)}


def test_the_readmes_other_house_loads_with_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(codes.STUDIO_PIN, raising=False)
    home = tmp_path / "home"
    starter.write(home)
    (home / "studio-pin").write_text("2468\n")
    (home / "studio-pin").chmod(0o600)
    (home / "holidays.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//house//EN\nBEGIN:VEVENT\nUID:1\n"
        "DTSTAMP:20200101T000000Z\nSUMMARY:New Year\nDTSTART;VALUE=DATE:20200101\n"
        "RRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (home / config.FILE).write_text(EXAMPLES[1], encoding="utf-8")
    read = config.load(home / config.FILE)
    assert read.warnings == ()
    english, german, bell = read.doors.values()
    assert {day.name for day in english.holidays} == {"New Year"}
    assert (german.language, german.by_key, bell.doorbell) == ("de", True, True)
    assert read.studio.pin == "2468"
    with pytest.raises(ConfigError, match="holiday is missing"):
        Prompts.open(read)
    (line,) = re.findall(r'^.*`(holiday = ".*")`$', README, re.MULTILINE)
    with (read.sounds / "en.toml").open("a", encoding="utf-8") as texts:
        texts.write(f"\n{line}\n")
    assert Prompts.open(read).languages == ("en", "de")


def test_the_readme_says_what_each_package_is_for() -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^a-z0-9-]", line)[0] for line in project["dependencies"]}
    table = README.split("## What it stands on\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z0-9, -]+) \|", table, re.MULTILINE)
    told = {name for row in rows for name in row.split(", ")} - {"package"}
    assert told == needed


@pytest.mark.parametrize("name", wording.TEMPLATES)
def test_the_readme_says_of_what_menus_are_composed(name: str) -> None:
    prompts_told, composed = README.split("Two texts are no prompts")
    assert f"`{name}`" in composed
    assert f"`{name}`" not in prompts_told.split("### Prompts\n")[1]


def test_the_readmes_rules_are_rules() -> None:
    block = README.split("### Rules\n")[1].split("| word |")[0]
    lines = [line for line in block.splitlines() if line.startswith("    ")]
    rules, mistakes = rulefile.parse("\n".join(lines), "README.md", "US")
    assert mistakes == ()
    assert len(rules) == len(lines) >= 10


@pytest.mark.parametrize("path", sorted((TREE / "rules").glob("*.rules")), ids=lambda p: p.stem)
def test_the_starter_rules_are_rules_and_so_are_their_examples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    examples = re.sub(r"^# (?=(allow|block|screen|send) )", "", text, flags=re.MULTILINE)
    for country in ("US", "DE"):
        rules, mistakes = rulefile.parse(text, path.name, country, rulefile.Names())
        assert [str(mistake) for mistake in mistakes] == []
        shown, mistakes = rulefile.parse(examples, path.name, country)
        assert [str(mistake) for mistake in mistakes] == []
        assert len(shown) > len(rules)


def test_the_readme_tells_the_first_sentence_of_a_real_report() -> None:
    report = gather(quarter.LAST, quarter.week(quarter.rows()), quarter.ZONE)
    told = headline(report)
    assert f'"{told}"' in " ".join(README.split())
    counts = re.findall(r"\d+", told.partition(";")[0])
    assert int(counts[0]) == sum(map(int, counts[1:]))


def test_the_readmes_first_rules_are_written_where_it_says(tmp_path: Path) -> None:
    """Typed in a new front door, one after the other."""
    home = tmp_path / "home"
    starter.write(home)
    reported = tmp_path / "ftc.csv"
    days = [datetime.now(UTC) - timedelta(days=1, hours=n) for n in range(5)]
    rows = "".join(f"8665550101,{day:%Y-%m-%d %H:%M:%S},x\n" for day in days)
    reported.write_text(f"Company_Phone_Number,Created_Date,Subject\n{rows}")
    where = ["--dir", str(home)]
    imported = CliRunner().invoke(main, ["lists", "import", str(reported), *where])
    assert imported.exit_code == 0, imported.output
    typed = re.findall(r"^\$ screener rules add (.*)\n(added .*)\nundo: ", README, re.MULTILINE)
    assert len(typed) == 2
    for words, told in typed:
        done = CliRunner().invoke(main, ["rules", "add", *shlex.split(words), *where])
        assert done.stdout.splitlines()[0] == told
    explained = CliRunner().invoke(main, ["rules", "explain", "866-555-0101", "--all", *where])
    assert explained.stdout.splitlines()[0] in README.splitlines()
    for line in explained.stdout.splitlines()[1:]:
        if place := re.match(r" +([12]-\w+\.rules:[0-9]+) +\"([a-z ]+)\"", line):
            assert re.search(rf'^ +{place[1]} +"{place[2]}"', README, re.MULTILINE), line


def test_the_readme_tells_how_many_calls_the_demo_plays() -> None:
    told = re.search(r"^make demo +# (\d+) real calls", README, re.MULTILINE)
    assert told is not None
    assert int(told[1]) == len(demo.SCENES) == len({scene.number for scene in demo.SCENES})
