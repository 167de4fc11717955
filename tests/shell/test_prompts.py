"""Prompts: what is spoken, recorded and made becomes WAV files that Asterisk plays as they are."""

import audioop
import math
import re
import shutil
import struct
import subprocess
import tomllib
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from screener import config, starter
from screener.config import Settings
from screener.core.frontdoor import Choice, FrontDoor, Menu, Reply, Step
from screener.core.loudness import SPEECH_LEVEL, level
from screener.errors import ConfigError, PromptMissing
from screener.settings import menus
from screener.voice import wording
from screener.voice.prompts import MADE, REQUIRED, SPOKEN, Prompts
from screener.voice.voices import speak, write

COMPOSED = ("menu-18182223333", "extension-1", "extension-2")
"""The prompts that the starter's screener.toml makes."""


def quiet(line: str) -> None:
    """Nobody listens to the progress."""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """The starter as `screener init` writes it."""
    starter.write(tmp_path / "home")
    return config.load(tmp_path / "home" / "screener.toml")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A starter whose prompts are few words each, all of them made: that takes seconds, once."""
    home = tmp_path_factory.mktemp("spoken") / "home"
    starter.write(home)
    lines = [f'{name} = "go"' for name in REQUIRED if name not in MADE]
    lines += ['menu = "{name} {number}"', 'menu-unnamed = "dial"']
    (home / "sounds" / "en.toml").write_text("\n".join(lines), encoding="utf-8")
    Prompts.open(config.load(home / "screener.toml")).build(quiet)
    return home


@pytest.fixture
def few(spoken: Path, tmp_path: Path) -> Settings:
    """A copy of it: what a test does not change is there already."""
    shutil.copytree(spoken, tmp_path / "home")
    return config.load(tmp_path / "home" / "screener.toml")


def texts(settings: Settings) -> Path:
    return settings.sounds / "en.toml"


def say(settings: Settings, line: str) -> None:
    """Put another line in the place of the prompt's text, or add it."""
    name = line.split(" =", maxsplit=1)[0]
    lines = texts(settings).read_text(encoding="utf-8").splitlines()
    others = [old for old in lines if not old.startswith(f"{name} =")]
    texts(settings).write_text("\n".join([*others, line]), encoding="utf-8")


def record(path: Path, dbfs: float = -30.0, rate: int = 16000, channels: int = 2) -> None:
    """A recording of 440 Hz, half a second long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    amplitude = 32767 * 10 ** (dbfs / 20)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        for n in range(rate // 2):
            sample = round(amplitude * math.sin(2 * math.pi * 440 * n / rate))
            sound.writeframes(struct.pack("<h", sample) * channels)


def pcm(path: Path) -> bytes:
    with wave.open(str(path), "rb") as sound:
        assert sound.getparams()[:3] == (1, 2, 8000)
        return sound.readframes(sound.getnframes())


def mistakes_of(settings: Settings) -> str:
    with pytest.raises(ConfigError) as caught:
        Prompts.open(settings)
    return str(caught.value)


# The starter's prompts ---------------------------------------------------------------------------


def lufs(path: Path) -> float:
    """How loud a sound is as ffmpeg measures it (EBU R 128), said again and again for ten seconds:
    it takes no measure of what is shorter than 0.4 s."""
    sound = pcm(path)
    command = "ffmpeg -nostats -hide_banner -f s16le -ar 8000 -ac 1 -i - -af ebur128 -f null -"
    done = subprocess.run(
        command.split(), input=sound * (160_000 // len(sound) + 1), capture_output=True, check=True
    )
    return float(re.findall(r"I: +(-[0-9.]+) LUFS", done.stderr.decode())[-1])


def test_all_prompts_of_both_languages_and_recordings_of_any_level_are_equally_loud(
    home: Settings,
) -> None:
    door = replace(home.doors["+18182223333"], language="de")
    house = with_door(home, door)
    words = speak("this was recorded by hand", "flite:rms")
    for name, gain in (("goodbye", 0.05), ("again", 0.1), ("greeting", 3.0)):
        (house.sounds / "en").mkdir(exist_ok=True)
        write(house.sounds / "en" / f"{name}.wav", audioop.mul(words, 2, gain))
    click = bytearray(audioop.mul(words, 2, 0.05))
    click[4000:4002] = struct.pack("<h", 32000)
    write(house.sounds / "en" / "dropped.wav", bytes(click))
    prompts = Prompts.open(house)
    names = {*REQUIRED, *COMPOSED}
    assert set(prompts.missing()) == names | {f"de/{name}" for name in names}
    told: list[str] = []
    prompts.build(told.append)
    assert prompts.missing() == []
    assert len(told) == 2 * len(names)
    for prompt in prompts:
        spoken = pcm(prompt.file)
        assert level(spoken) == pytest.approx(SPEECH_LEVEL, abs=0.1), prompt
        assert max(abs(s) for (s,) in struct.iter_unpack("<h", spoken)) < 32767
        length = prompts.seconds(prompt.name, prompt.language)
        assert length == pytest.approx(len(spoken) / 16000)
    measured = {f"{p.language}/{p.name}": lufs(p.file) for p in prompts}
    assert {name.split("/")[0] for name in measured} == {"en", "de"}
    assert max(measured.values()) - min(measured.values()) < 2.0, measured


def test_a_caller_is_told_what_to_do_within_four_seconds(home: Settings) -> None:
    spoken = speak({p.name: p.text for p in Prompts.open(home)}["greeting"], "flite:slt")
    assert len(spoken) / 16000 < 4.0


def test_the_menu_reads_out_the_doors_extensions(home: Settings) -> None:
    menu = {p.name: p.text for p in Prompts.open(home)}["menu-18182223333"]
    assert menu == "For family, press or say 1. For office, press or say 2."


# What is made again, and what is not -------------------------------------------------------------


def test_a_changed_text_is_spoken_anew_and_nothing_else(few: Settings) -> None:
    before = Prompts.open(few).path("again")
    say(few, 'again = "once more"')
    prompts = Prompts.open(few)
    assert prompts.missing() == ["again"]
    with pytest.raises(PromptMissing, match="screener sounds build"):
        prompts.path("again")
    prompts.build(quiet)
    assert prompts.path("again") != before
    assert prompts.seconds("again") > 0.3


def test_another_voice_speaks_all_anew_but_the_tones(few: Settings) -> None:
    other = replace(few, speech=replace(few.speech, voice="espeak-ng:en-us"))
    prompts = Prompts.open(other)
    assert set(prompts.missing()) == {*REQUIRED, *COMPOSED} - set(MADE)
    prompts.build(quiet)
    assert prompts.missing() == []


def test_a_sound_that_a_power_cut_has_emptied_is_made_again(few: Settings) -> None:
    Prompts.open(few).path("goodbye").write_bytes(b"")
    prompts = Prompts.open(few)
    assert prompts.missing() == ["goodbye"]
    prompts.build(quiet)
    assert prompts.seconds("goodbye") > 0.2


def test_a_second_build_has_nothing_to_do(few: Settings) -> None:
    told: list[str] = []
    Prompts.open(few).build(told.append)
    assert told == []


def test_no_draft_is_left_behind(few: Settings) -> None:
    files = list((few.data / "sounds" / "en").iterdir())
    assert len(files) == len(REQUIRED) + len(COMPOSED)
    assert all(file.suffix == ".wav" for file in files)


# Recordings --------------------------------------------------------------------------------------


def test_a_recording_beside_the_text_wins(few: Settings) -> None:
    record(few.sounds / "en" / "goodbye.wav")
    prompts = Prompts.open(few)
    prompts.build(quiet)
    sound = pcm(prompts.path("goodbye"))
    assert prompts.seconds("goodbye") == pytest.approx(0.5, abs=0.02)
    assert level(sound) == pytest.approx(SPEECH_LEVEL, abs=0.1)


def test_a_new_recording_replaces_the_old_one(few: Settings) -> None:
    record(few.sounds / "en" / "goodbye.wav")
    Prompts.open(few).build(quiet)
    record(few.sounds / "en" / "goodbye.wav", dbfs=-20)
    assert Prompts.open(few).missing() == ["goodbye"]


def test_an_mp3_is_as_good(few: Settings, tmp_path: Path) -> None:
    record(tmp_path / "goodbye.wav")
    mp3 = few.sounds / "en" / "goodbye.mp3"
    mp3.parent.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "goodbye.wav", mp3], check=True)
    prompts = Prompts.open(few)
    prompts.build(quiet)
    assert prompts.seconds("goodbye") == pytest.approx(0.5, abs=0.1)


def test_a_recording_needs_no_text_and_may_replace_a_tone(few: Settings) -> None:
    lines = texts(few).read_text().splitlines()
    texts(few).write_text("\n".join(line for line in lines if not line.startswith("goodbye")))
    record(few.sounds / "en" / "goodbye.wav")
    record(few.sounds / "en" / "beep.wav")
    prompts = Prompts.open(few)
    prompts.build(quiet)
    assert prompts.seconds("beep") == pytest.approx(0.5, abs=0.02)


def test_a_silent_recording_is_refused(few: Settings) -> None:
    record(few.sounds / "en" / "goodbye.wav", dbfs=-80)
    with pytest.raises(PromptMissing, match=r"goodbye is silent.*goodbye\.wav"):
        Prompts.open(few).build(quiet)


def test_a_recording_that_is_none_is_refused(few: Settings) -> None:
    (few.sounds / "en").mkdir()
    (few.sounds / "en" / "goodbye.wav").write_text("not a recording")
    with pytest.raises(PromptMissing, match=r"ffmpeg could not read .*goodbye\.wav"):
        Prompts.open(few).build(quiet)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("godbye.wav", 'nothing plays such a prompt; did you mean "goodbye"?'),
        ("goodbye.aiff", "expected a recording: .wav, .mp3"),
        ("menu.wav", "menus are put together from the text menu, so it cannot be recorded"),
        ("menu-unnamed.wav", "record menu-NUMBER or menu-NAME"),
    ],
)
def test_a_file_that_nothing_would_play_is_refused(few: Settings, file: str, said: str) -> None:
    record(few.sounds / "en" / file)
    assert said in mistakes_of(few)


def test_two_recordings_of_one_prompt_are_refused(few: Settings) -> None:
    record(few.sounds / "en" / "goodbye.wav")
    shutil.copy(few.sounds / "en" / "goodbye.wav", few.sounds / "en" / "goodbye.mp3")
    assert "goodbye.mp3 is there already; keep one" in mistakes_of(few)


def test_what_is_no_file_is_no_recording(few: Settings) -> None:
    (few.sounds / "en" / "greeting.wav").mkdir(parents=True)
    (few.sounds / "en" / "goodbye.wav").symlink_to("gone.wav")
    prompts = Prompts.open(few)
    assert (prompts.prompt("greeting").text, prompts.prompt("goodbye").text) == ("go", "go")


def test_a_recording_that_cannot_be_read_is_named_and_all_stays_as_it_was(few: Settings) -> None:
    prompts = Prompts.open(few)
    before = prompts.path("goodbye")
    (few.sounds / "en").mkdir()
    unreadable = few.sounds / "en" / "goodbye.wav"
    unreadable.symlink_to("/proc/self/mem")  # a file that gives an error to whoever reads it
    with pytest.raises(ConfigError) as refused:
        prompts.renew_if_changed(quiet)
    assert str(refused.value) == f"{unreadable}: cannot be read (Input/output error)"
    assert prompts.path("goodbye") == before


def test_a_recording_longer_than_a_prompt_may_be_is_refused_and_not_cut(few: Settings) -> None:
    (few.sounds / "en").mkdir()
    write(few.sounds / "en" / "goodbye.wav", struct.pack("<h", 3000) * 8000 * 121)
    with pytest.raises(PromptMissing, match=r"goodbye\.wav is longer than 120 seconds"):
        Prompts.open(few).build(quiet)


def test_a_sound_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "goodbye.wav").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "goodbye.wav", b"\0\0")
    assert [path.name for path in tmp_path.iterdir()] == ["goodbye.wav"]


# Texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('godbye = "x"', 'godbye = "x": nothing plays such a prompt; did you mean "goodbye"?'),
        ("goodbye = 3", "goodbye = 3: expected what is said, in quotes"),
        ('goodbye = " "', 'goodbye = " ": expected what is said, in quotes'),
        ('goodbye = "{name}"', "expected no braces: only menu has fields"),
        ('menu = "{nmae}"', "expected no fields in braces but name, number"),
        ('menu = "{name.x}"', "expected no fields in braces but name, number"),
        ('menu = "{name"', "expected every { to have its }"),
        ('beep = "beep"', "nothing plays such a prompt"),
        ("goodbye = = 1", "Invalid value (at line"),
    ],
)
def test_a_wrong_text_is_named(few: Settings, line: str, said: str) -> None:
    say(few, line)
    mistakes = mistakes_of(few)
    assert mistakes.startswith(f"{texts(few)}: ")
    assert said in mistakes


def test_missing_texts_of_a_language_that_does_not_come_with_screener_are_all_named(
    few: Settings,
) -> None:
    (few.sounds / "fr.toml").write_text('greeting = "bonjour"\n')
    record(few.sounds / "fr" / "again.wav")
    french = replace(few, speech=replace(few.speech, language="fr"))
    mistakes = mistakes_of(french).splitlines()
    assert len(mistakes) == len(SPOKEN) - 2 + len(("menu", "menu-unnamed"))
    file = few.sounds / "fr.toml"
    assert f"{file}: goodbye is missing: expected its text, or a recording fr/goodbye.wav" in (
        mistakes
    )
    assert f"{file}: menu is missing: expected its text" in mistakes


def test_a_folder_of_an_older_screener_speaks_the_shipped_texts(few: Settings) -> None:
    lines = texts(few).read_text(encoding="utf-8").splitlines()
    texts(few).write_text("\n".join(line for line in lines if "expecting-" not in line))
    prompts = Prompts.open(few)
    spoken = {prompt.name: prompt.text for prompt in prompts}
    assert spoken["expecting-on"].startswith("You are expecting a call.")
    assert prompts.warnings == (
        f"{texts(few)}: expecting-on, expecting-off: no text, so the one that comes with screener"
        ' is spoken; to word it yourself, add expecting-on = "..."',
    )
    told: list[str] = []
    prompts.build(told.append)
    assert told[:1] == [f"warning: {warning}" for warning in prompts.warnings]
    assert Prompts.open(few).missing() == []

    texts(few).rename(few.sounds / "de.toml")
    german = replace(few, speech=replace(few.speech, language="de"))
    assert {p.name: p.text for p in Prompts.open(german)}["expecting-on"].startswith("Sie erwarten")


def test_an_own_text_or_recording_warns_of_nothing(few: Settings) -> None:
    assert Prompts.open(few).warnings == ()
    record(few.sounds / "en" / "expecting-on.wav")
    lines = texts(few).read_text(encoding="utf-8").splitlines()
    texts(few).write_text("\n".join(line for line in lines if "expecting-on" not in line))
    assert Prompts.open(few).warnings == ()


def test_a_language_without_texts_is_named(few: Settings) -> None:
    other = replace(few, speech=replace(few.speech, language="tlh"))
    assert mistakes_of(other) == (
        f'{few.path}: speech.language = "tlh": expected a language whose texts are in {few.sounds};'
        " expected one of de, en"
    )


def test_the_language_of_a_number_without_texts_is_named_with_the_nearest(few: Settings) -> None:
    door = replace(few.doors["+18182223333"], language="dee")
    assert mistakes_of(with_door(few, door)) == (
        f'{few.path}: dids."+18182223333".language = "dee": expected a language whose texts are in'
        f' {few.sounds}; did you mean "de"?'
    )


def test_a_language_that_came_with_a_newer_screener_is_to_be_copied(few: Settings) -> None:
    (few.sounds / "de.toml").unlink()
    door = replace(few.doors["+18182223333"], language="de")
    copy = f"copy {starter.origin('sounds') / 'de.toml'} there"
    assert mistakes_of(with_door(few, door)).endswith(copy)


# Several languages -------------------------------------------------------------------------------


def test_a_folder_of_sounds_that_cannot_be_read_is_told_as_such(few: Settings) -> None:
    with pytest.raises(ConfigError) as refused:
        Prompts.open(replace(few, sounds=few.path))  # no folder: root may read every folder
    (mistake,) = refused.value.mistakes
    assert mistake.startswith(f'{few.path}: paths.sounds = "')
    assert mistake.endswith(
        ": cannot be read (Not a directory): give the user who runs screener the right to"
    )


@pytest.fixture
def two(few: Settings) -> Settings:
    """A house with a number in English, and one in German with few words."""
    lines = [f'{name} = "gut"' for name in SPOKEN]
    lines += ['menu = "Für {name} {number}"', 'menu-unnamed = "bitte"', 'extension-2 = "Büro"']
    (few.sounds / "de.toml").write_text("\n".join(lines), encoding="utf-8")
    english = few.doors["+18182223333"]
    german = replace(english, did="+493012345678", language="de")
    doors = {door.did: door for door in (english, german)}
    return replace(few, directory=replace(few.directory, doors=doors))


def test_each_language_that_a_number_names_is_there_whole(two: Settings) -> None:
    prompts = Prompts.open(two)
    assert prompts.languages == ("en", "de")
    german = {prompt.name for prompt in prompts if prompt.language == "de"}
    assert german == {*REQUIRED, *COMPOSED, "menu-493012345678"}
    prompts.build(quiet)
    assert prompts.missing() == []
    assert prompts.uri("goodbye", "de").startswith(f"sound:{two.data}/sounds/de/goodbye-")
    assert prompts.uri("goodbye") == prompts.uri("goodbye", "en") != prompts.uri("goodbye", "de")
    assert prompts.seconds("goodbye", "de") > 0.2


def test_menus_and_names_are_worded_in_their_language(two: Settings) -> None:
    said = {(p.language, p.name): p.text for p in Prompts.open(two)}
    assert said["de", "menu-493012345678"] == "Für family 1 Für Büro 2"
    assert said["en", "menu-493012345678"] == "family 1 office 2"
    assert (said["de", "extension-2"], said["en", "extension-2"]) == ("Büro", "office")


def test_what_is_named_for_one_number_needs_no_text_in_another_numbers_language(
    two: Settings,
) -> None:
    english, german = two.doors.values()
    hours = Menu("hours", {"1": Choice("1", Step.SAY, "opening-hours", ("hours",))})
    english = replace(english, open=Reply("welcome", hours), holiday=Reply("holiday"))
    doors = {door.did: door for door in (english, german)}
    named = replace(two, directory=replace(two.directory, doors=doors, menus={"hours": hours}))
    missing = ("welcome", "holiday", "opening-hours")
    assert sorted(mistakes_of(named).splitlines()) == sorted(
        f"{texts(two)}: {name} is missing: expected its text, or a recording en/{name}.wav"
        for name in missing
    )
    with texts(two).open("a", encoding="utf-8") as file:
        file.writelines(f'\n{name} = "here"' for name in missing)
    assert {p.language for p in Prompts.open(named) if p.name in missing} == {"en"}

    with (two.sounds / "de.toml").open("a", encoding="utf-8") as file:
        file.write('\nholiday = "Feiertag"\n')
    record(two.sounds / "de" / "welcome.wav")
    there = {p.name: p.text for p in Prompts.open(named) if p.language == "de"}
    assert (there["holiday"], there["welcome"]) == ("Feiertag", "")
    assert "opening-hours" not in there


def test_a_choice_without_a_name_is_called_in_the_language_of_the_menu(home: Settings) -> None:
    steps = (Step.MESSAGE, Step.OPERATOR, Step.DIRECTORY, Step.CALL_BACK, Step.EMERGENCY)
    choices = {
        str(key): Choice(str(key), step, "", menus.CALLED[step]) for key, step in enumerate(steps)
    }
    choices["8"] = Choice("8", Step.MESSAGE, "family", ("complaints",))
    directory = replace(home.directory, menus={"main": Menu("main", choices)})
    said = {
        language: wording.composed(directory, shipped(language))["menu-main"]
        for language in ("en", "de")
    }
    assert re.findall(r"For (.*?), press or say", said["en"]) == [
        *("a message", "the operator", "the directory", "a call back", "an emergency"),
        "complaints",
    ]
    assert re.findall(r"Für (.*?) drücken Sie", said["de"]) == [
        *("eine Nachricht", "die Zentrale", "das Namensverzeichnis", "einen Rückruf"),
        *("einen Notfall", "complaints"),
    ]
    own = wording.composed(directory, shipped("en") | {"choice-main-0": "us your wishes"})
    assert own["menu-main"].startswith("For us your wishes, press or say 0.")


def test_the_texts_that_the_starters_examples_need_stand_in_both_languages() -> None:
    for language in ("en", "de"):
        text = (starter.origin("sounds") / f"{language}.toml").read_text(encoding="utf-8")
        worded = tomllib.loads(re.sub(r"^# (?=[a-z-]+ = \")", "", text, flags=re.MULTILINE))
        assert {"holiday", "opening-hours"} <= set(worded)


def test_another_language_has_a_voice_of_its_own(two: Settings) -> None:
    def greeting(settings: Settings) -> Path:
        return Prompts.open(settings).prompt("greeting", "de").file

    usual = greeting(two)
    assert greeting(replace(two, speech=replace(two.speech, voice="flite:rms"))) == usual
    other = {"de": "espeak-ng:de+f3"}
    assert greeting(replace(two, speech=replace(two.speech, voices=other))) != usual


def test_a_language_that_no_number_has_is_refused(two: Settings) -> None:
    with pytest.raises(PromptMissing, match="no prompts in the language fr; expected one of de"):
        Prompts.open(two).uri("greeting", "fr")


def test_what_has_changed_is_taken_over_while_calls_go_on(few: Settings) -> None:
    prompts = Prompts.open(few)
    before = prompts.path("goodbye")
    record(few.sounds / "en" / "goodbye.wav")
    prompts.renew(quiet)
    assert prompts.path("goodbye") != before
    assert prompts.seconds("goodbye") == pytest.approx(0.5, abs=0.02)
    assert before.is_file()  # somebody may be hearing it
    (few.sounds / "en" / "goodbye.wav").write_text("not a recording")
    with pytest.raises(PromptMissing):
        prompts.renew(quiet)
    assert prompts.seconds("goodbye") == pytest.approx(0.5, abs=0.02)


def test_a_menu_may_be_worded_by_hand(few: Settings) -> None:
    say(few, 'menu-18182223333 = "Press one."')
    assert {p.name: p.text for p in Prompts.open(few)}["menu-18182223333"] == "Press one."


def with_door(settings: Settings, door: FrontDoor) -> Settings:
    return replace(settings, directory=replace(settings.directory, doors={door.did: door}))


def test_unnamed_extensions_are_not_read_out(few: Settings) -> None:
    door = few.doors["+18182223333"]
    extensions = {key: replace(e, names=()) for key, e in door.extensions.items()}
    unnamed = with_door(few, replace(door, extensions=extensions))
    assert {p.name: p.text for p in Prompts.open(unnamed)}["menu-18182223333"] == "dial"


def test_the_digits_of_an_extension_stand_apart(few: Settings) -> None:
    door = few.doors["+18182223333"]
    extension = replace(door.extensions["1"], number="12")
    one = with_door(few, replace(door, extensions={"12": extension}))
    assert {p.name: p.text for p in Prompts.open(one)}["menu-18182223333"] == "family 1 2"


# Names, tones, programs --------------------------------------------------------------------------


def test_asterisk_is_given_the_path_without_its_extension(few: Settings) -> None:
    prompts = Prompts.open(few)
    uri = prompts.uri("goodbye")
    assert uri.startswith(f"sound:{few.data}/sounds/en/goodbye-")
    assert Path(uri.removeprefix("sound:") + ".wav").is_file()


def test_an_unknown_prompt_is_named_with_the_nearest(few: Settings) -> None:
    with pytest.raises(PromptMissing, match='no prompt godbye; did you mean "goodbye"'):
        Prompts.open(few).path("godbye")


def test_the_information_tones_are_those_of_the_country(few: Settings) -> None:
    files = {country: Prompts.open(replace(few, country=country)) for country in ("US", "CA", "GB")}
    names = {
        country: next(p.file.name for p in prompts if p.name == "sit")
        for country, prompts in files.items()
    }
    assert names["US"] == names["CA"] != names["GB"]


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ("flite:nosuch", 'flite has no voice "nosuch"; it has .*slt'),
        ("espeak-ng:nosuch", "espeak-ng could not speak: .*voice does not exist"),
    ],
)
def test_a_voice_that_is_not_there_is_named(voice: str, said: str) -> None:
    with pytest.raises(PromptMissing, match=said):
        speak("hello", voice)


def test_a_program_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromptMissing, match="flite is not installed: apt-get install flite"):
        speak("hello", "flite:slt")


@pytest.mark.parametrize("writes", ["", ': > "$last"', 'printf RIFF > "$last"'])
def test_a_synthesiser_that_writes_no_whole_sound_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writes: str
) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\nfor last; do :; done\n{writes}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromptMissing, match="espeak-ng wrote no whole sound"):
        speak("hello", "espeak-ng:de")


def test_a_data_folder_that_cannot_be_written_is_named(few: Settings) -> None:
    shutil.rmtree(few.data / "sounds")
    (few.data / "sounds").write_text("a file stands in its place")
    with pytest.raises(PromptMissing, match="the prompt greeting cannot be written to"):
        Prompts.open(few).build(quiet)


def test_signs_in_a_text_are_spoken_and_not_obeyed(tmp_path: Path) -> None:
    text = f"-o out $(touch {tmp_path}/x) `touch {tmp_path}/x` <speak>"
    for voice in ("flite:slt", "espeak-ng:en-us"):
        assert speak(text, voice)
    assert not (tmp_path / "x").exists()


# What comes with screener ------------------------------------------------------------------------


def shipped(language: str) -> dict[str, str]:
    file = starter.origin("sounds") / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_both_languages_that_come_with_screener_have_the_same_prompts() -> None:
    english, german = shipped("en"), shipped("de")
    assert [name for name in english if name not in german] == []
    assert [name for name in german if name not in english] == []
    assert set(SPOKEN) <= set(english)
    assert set(english) - set(SPOKEN) == set(wording.TEMPLATES)


def test_nothing_was_left_in_english() -> None:
    english, german = shipped("en"), shipped("de")
    assert [name for name in english if english[name] == german[name]] == ["plus"]
    fields = re.compile(r"\{[a-z]+\}")
    for name, text in english.items():
        assert fields.findall(text) == fields.findall(german[name]), name
