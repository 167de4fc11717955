"""The recogniser listens to each spoken prompt once, and names the words it did not understand."""

import wave
from pathlib import Path

import pytest

from screener import config, starter
from screener.config import Settings
from screener.recogniser.proofhearing import ProofHearing
from screener.voice import soundcheck
from screener.voice.prompts import Prompts
from screener.voice.voices import speak, write
from tests.shell.test_prompts import quiet, with_door

TEXTS = [
    "Please leave a message after the beep. When you are done, press pound, or hang up.",
    "Nobody can come to the phone.",
    "Your message is kept. Good bye.",
    "You are expecting a call. If you no longer are, press zero.",
    "For 4, press 4.",
]


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> ProofHearing:
    return ProofHearing([*TEXTS, "For smythe, press 1."], tmp_path_factory.mktemp("grammars"))


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_spoken_is_understood(hearing: ProofHearing, text: str) -> None:
    assert hearing.missed(text, speak(text, "flite:slt")) == ()


@pytest.mark.parametrize(
    ("spoken", "missed"),
    [
        ("Your message is zebra. Good bye.", ("kept",)),
        ("Nobody can come to the window.", ("phone",)),
        ("Nobody garden come to the phone.", ("can",)),
    ],
)
def test_a_word_that_was_not_spoken_is_named(
    hearing: ProofHearing, spoken: str, missed: tuple[str, ...]
) -> None:
    text = next(text for text in TEXTS if text.split()[0] == spoken.split(maxsplit=1)[0])
    assert set(missed) <= set(hearing.missed(text, speak(spoken, "flite:slt")))


def test_silence_is_not_understood(hearing: ProofHearing) -> None:
    assert hearing.missed("Good bye.", bytes(16000)) == ("good", "bye")


def test_a_name_that_no_dictionary_has_is_heard_as_it_probably_sounds(
    hearing: ProofHearing,
) -> None:
    text = "For smythe, press 1."
    assert "smythe" not in hearing.missed(text, speak(text, "flite:slt"))


# Each sound once ---------------------------------------------------------------------------------


@pytest.fixture
def few(tmp_path: Path) -> Settings:
    """A house in two languages whose English prompts say what they say."""
    starter.write(tmp_path / "home")
    settings = config.load(tmp_path / "home" / "screener.toml")
    return with_door(settings, settings.doors["+18182223333"])


class Few(Prompts):
    """Only some of the prompts: listening takes its time."""

    def __iter__(self):  # type: ignore[no-untyped-def]
        names = ("goodbye", "expecting-on", "beep")
        return (p for p in super().__iter__() if p.name in names)


def test_each_sound_is_listened_to_once(few: Settings) -> None:
    prompts = Few.open(few)
    prompts.build(quiet)
    told: list[str] = []
    soundcheck.listen(prompts, few, told.append)
    assert [line.rpartition(": ")[2] for line in told] == ["goodbye", "expecting-on"]
    found = soundcheck.found(few)
    assert found[prompts.prompt("goodbye").file.name] == ()
    told.clear()
    soundcheck.listen(Few.open(few), few, told.append)
    assert told == []


def test_what_was_not_understood_is_remembered(few: Settings) -> None:
    prompts = Few.open(few)
    prompts.build(quiet)
    file = prompts.prompt("goodbye").file
    write(file, speak("purple river", "flite:slt"))
    soundcheck.listen(prompts, few, quiet)
    assert soundcheck.found(few)[file.name] == ("good", "bye")
    with wave.open(str(file)) as sound:
        assert sound.getnframes()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'])
def test_a_broken_record_is_begun_anew(few: Settings, content: str) -> None:
    (few.data / "sounds").mkdir(parents=True)
    (few.data / "sounds" / "understood.json").write_text(content)
    assert soundcheck.found(few) == {}


def test_recordings_tones_and_other_languages_are_not_listened_to(few: Settings) -> None:
    prompts = Prompts.open(few)
    heard = [p.name for p in prompts if soundcheck.is_heard(p)]
    assert "beep" not in heard
    assert "goodbye" in heard
    assert soundcheck.understands("en")
    assert not soundcheck.understands("de")
