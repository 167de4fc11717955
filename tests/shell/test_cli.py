"""The command `screener`: what it prints, its exit status; and nobody ever sees a traceback."""

import os
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from click.testing import CliRunner, Result

from screener import __version__, config
from screener.cli import main
from screener.config import Settings
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from screener.settings.surroundings import ARI_SECRET
from screener.voice.prompts import MADE, REQUIRED, Prompts
from tests.calls import speech


def screener(*arguments: object, environment: dict[str, str] | None = None) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None, **(environment or {})})


def refused(*arguments: object) -> str:
    """What stands on stderr of a command that must fail, and nothing on stdout."""
    result = screener(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert screener("init", tmp_path / "home").exit_code == 0
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return config.load(home / "screener.toml")


# init --------------------------------------------------------------------------------------------


def test_init_writes_a_front_door_and_says_what_comes_next(tmp_path: Path) -> None:
    result = screener("init", tmp_path / "a" / "home")
    assert result.exit_code == 0
    names = {path.name for path in (tmp_path / "a" / "home").iterdir()}
    assert names == {"screener.toml", "rules", "grammars", "sounds", "data"}
    for word in ("screener check", "screener run", "screener sounds build"):
        assert word in result.stdout


def test_init_overwrites_nothing_and_lists_what_is_there(home: Path) -> None:
    (home / "screener.toml").write_text("mine")
    stderr = refused("init", home)
    assert "screener.toml, rules, grammars, sounds, data" in stderr
    assert (home / "screener.toml").read_text() == "mine"


def test_init_writes_nothing_where_only_one_thing_is_there(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    assert "holds rules already" in refused("init", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]


def test_init_says_it_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused("init", tmp_path / "file" / "home")


# Where the front door is -------------------------------------------------------------------------


def test_the_folder_is_the_one_given_or_the_environments_or_this_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = screener("sounds", "list", "--dir", home)
    assert given.exit_code == 0
    assert "greeting" in given.stdout
    assert screener("sounds", "list", "--dir", home / "screener.toml").stdout == given.stdout
    assert screener("sounds", "list", environment={"SCREENER_HOME": str(home)}).stdout == (
        given.stdout
    )
    monkeypatch.chdir(home)
    assert screener("sounds", "list").exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert "screener.toml: no such file; `screener init" in refused("sounds", "list")


def test_every_mistake_in_the_settings_is_a_line_on_stderr(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("ring = ", "rings = "))
    lines = refused("sounds", "list", "--dir", home).splitlines()
    assert len([line for line in lines if "unknown key" in line]) == 3
    assert all(line.startswith(str(path)) for line in lines)


def test_what_is_unwise_is_said_and_done(home: Path) -> None:
    path = home / "screener.toml"
    (home / "secret").write_text("s3cret\n")
    (home / "secret").chmod(0o644)
    path.write_text(path.read_text().replace("[asterisk]", '[asterisk]\nsecret_file = "secret"'))
    result = screener("pbx", "config", "--dir", home)
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "chmod 600" in result.stderr


# calls -------------------------------------------------------------------------------------------


async def a_call(settings: Settings, name: str) -> int:
    """One call that was turned away, as the service writes it down."""
    store = Store(settings.data / DATABASE)
    start = CallStart("1.1", datetime.now(UTC), "+18182223333", "+14155550100", name)
    call = await store.begin(start)
    await store.tell(call, 0.4, "no rule matches: screened")
    end = CallEnd(datetime.now(UTC), "turned away", "unwanted robot: it talked on over the prompt")
    await store.end(call, end)
    await store.close()
    return call


async def test_calls_lists_and_tells(home: Path, settings: Settings) -> None:
    call = await a_call(settings, "ACME\x1b[2J\nLTD")
    listed = screener("calls", "--dir", home)
    assert listed.exit_code == 0
    assert "+1 415" in listed.stdout
    told = screener("calls", "show", call, "--dir", home)
    assert "no rule matches: screened" in told.stdout
    assert "talked on over the prompt" in told.stdout
    assert "\x1b" not in listed.stdout + told.stdout
    assert screener("calls", "--dir", home, "show", call).stdout == told.stdout


async def test_a_call_that_is_not_there_is_refused(home: Path, settings: Settings) -> None:
    await a_call(settings, "")
    assert "there is no call 999: see `screener calls`" in refused(
        "calls", "show", 999, "--dir", home
    )


def test_before_the_first_call_there_is_a_sentence(home: Path) -> None:
    assert screener("calls", "--dir", home).stdout == "no calls yet\n"
    assert "no call has been written down yet" in refused("calls", "show", 1, "--dir", home)


# sounds ------------------------------------------------------------------------------------------


def test_sounds_are_built_with_progress_and_then_listed(home: Path) -> None:
    assert "  none  " in screener("sounds", "list", "--dir", home).stdout
    built = screener("sounds", "build", "--dir", home)
    assert built.exit_code == 0
    every = len(REQUIRED) + 3  # and the menu of the one number, the names of two extensions
    assert f"making sound 1 of {every}: greeting" in built.stderr
    assert built.stdout.startswith(f"all {every} prompts have their sound\n")
    spoken = every - len(MADE)  # nobody listens for words in them
    assert f"listening to sound 1 of {spoken}: greeting" in built.stderr
    assert "not understood:" in built.stderr.splitlines()[-1]
    assert "`screener sounds play NAME`" in built.stderr.splitlines()[-1]
    odd = [line.split(":")[0] for line in built.stdout.splitlines()[1:]]
    assert "greeting" not in odd
    assert len(odd) < every / 4
    assert "listening" not in screener("sounds", "build", "--dir", home).stderr
    listed = screener("sounds", "list", "--dir", home).stdout
    assert "  none  " not in listed
    assert '"Please leave a message after the beep.' in listed
    assert len(listed.splitlines()) == every
    assert listed.startswith("  1 en greeting ")
    assert listed.count("not understood: ") == len(odd)
    played = screener("sounds", "play", "goodbye", "--to", home / "x.wav", "--dir", home)
    assert played.exit_code == 0
    with wave.open(str(home / "x.wav")) as sound:
        assert sound.getnframes() > 4000


def test_a_prompt_is_recorded_from_a_file_and_that_is_undone(home: Path) -> None:
    own = speech.say("you have reached the smiths")
    (home / "me.wav").write_bytes(speech.wav(own))
    taken = screener("sounds", "record", "goodbye", "--from", home / "me.wav", "--dir", home)
    assert taken.exit_code == 0
    kept = home / "sounds" / "en" / "goodbye.wav"
    assert taken.stdout.startswith(f"{kept}: ")
    assert taken.stdout.endswith("To undo this: screener sounds undo goodbye\n")
    listed = screener("sounds", "list", "--dir", home).stdout
    (line,) = [line for line in listed.splitlines() if " goodbye " in line]
    assert "recorded" in line
    assert str(kept) in line
    undone = screener("sounds", "undo", "goodbye", "--dir", home)
    assert undone.stdout == 'goodbye is spoken again: "Good bye."\n'
    assert not kept.exists()
    assert screener("sounds", "undo", "goodbye", "--dir", home).stdout == f"goodbye is {kept}\n"


def test_a_recording_that_is_not_fit_changes_nothing(home: Path) -> None:
    (home / "me.wav").write_bytes(speech.wav(speech.silence(2.0)))
    words = ("sounds", "record", "goodbye", "--from", home / "me.wav", "--dir", home)
    assert "me.wav holds no voice" in refused(*words)
    assert not (home / "sounds" / "en").exists()
    assert 'no prompt godbye; did you mean "goodbye"' in refused(
        "sounds", "record", "godbye", "--from", home / "me.wav", "--dir", home
    )
    assert "there is no earlier recording" in refused("sounds", "undo", "goodbye", "--dir", home)
    assert "no prompts in the language fr" in refused(
        "sounds", "list", "--language", "fr", "--dir", home
    )


# pbx ---------------------------------------------------------------------------------------------


def test_pbx_config_names_what_an_asterisk_needs_but_not_the_secret(
    home: Path, settings: Settings
) -> None:
    plain = screener("pbx", "config", "--dir", home)
    assert plain.exit_code == 0
    assert "Stasis(screener" in plain.stdout
    assert settings.asterisk.secret not in plain.output
    assert settings.asterisk.secret in screener("pbx", "config", "--secret", "--dir", home).stdout


# check -------------------------------------------------------------------------------------------


@pytest.fixture
def mail_server(home: Path) -> Iterator[Controller]:
    """A real SMTP server, which the front door's settings name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("[mail]", f"[mail]\nport = {port}"))
    yield controller
    controller.stop()


def findings(home: Path) -> tuple[int, dict[str, str]]:
    """The exit status of `screener check`, and its lines by what they are about."""
    result = screener("check", home)
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    return result.exit_code, lines


@pytest.mark.usefixtures("mail_server")
def test_check_says_of_each_part_whether_it_is_fit(home: Path) -> None:
    status, lines = findings(home)
    assert status == 1
    assert f"run `screener sounds build --dir {home}`" in lines["sounds"]
    Prompts.open(config.load(home / "screener.toml")).build(lambda line: None)
    _, lines = findings(home)
    assert list(lines) == [
        *("configuration", "rules", "grammars", "sounds"),
        *("recogniser", "campaigns", "programs", "data", "mail", "links", "asterisk"),
    ]
    wrong = {about for about, line in lines.items() if line.startswith("WRONG")}
    assert wrong <= {"asterisk"}  # a machine may have no Asterisk yet


def test_check_says_what_to_do_about_each_wrong_part(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("alow withheld\n")
    (home / "sounds" / "en.toml").write_text("greting = 1\n")

    path = home / "screener.toml"
    path.write_text(path.read_text().replace("[mail]", "[mail]\nport = 1"))
    status, lines = findings(home)
    assert status == 1
    assert "1-allow.rules:1:1" in lines["rules"]
    assert "en.toml" in lines["sounds"]
    assert "localhost:1" in lines["mail"]
    assert "see [mail] in screener.toml" in lines["mail"]
    assert all("Traceback" not in line for line in lines.values())


def test_check_of_a_wrong_configuration_says_only_that(home: Path) -> None:
    (home / "screener.toml").write_text('country = "XX"\n')
    status, lines = findings(home)
    assert status == 1
    assert list(lines) == ["configuration"]


def test_check_of_an_asterisk_that_is_not_there_says_so(home: Path) -> None:
    path = home / "screener.toml"
    url = '[asterisk]\nurl = "http://127.0.0.1:9/ari"'
    path.write_text(path.read_text().replace("[asterisk]", url))
    result = screener("check", home, environment={ARI_SECRET: "hidden"})
    assert result.exit_code == 1
    assert "no Asterisk answers at http://127.0.0.1:9/ari" in result.stdout
    assert "see `screener pbx config`" in result.stdout
    assert "hidden" not in result.output


# The command itself ------------------------------------------------------------------------------


def test_version_names_what_runs() -> None:
    lines = screener("--version").stdout.splitlines()
    assert lines[0] == f"screener {__version__}"
    assert {line.split()[0] for line in lines} >= {"Python", "aiohttp", "vosk", "pocketsphinx"}
    assert not any("not installed" in line for line in lines)


def test_python_m_screener_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "screener", "--help"], capture_output=True, text=True, check=True
    )
    assert "screener init home" in done.stdout


def test_a_run_with_a_wrong_configuration_starts_nothing(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("alow withheld\n")
    stderr = refused("run", home)
    assert "1-allow.rules:1:1" in stderr
    assert not list((home / "data").glob("asterisk*"))


def test_a_run_whose_callers_could_not_be_heard_says_so(home: Path) -> None:
    (home / "ari-secret").write_text("hidden\n")
    path = home / "screener.toml"
    own = '[asterisk]\nurl = "http://127.0.0.1:1/ari"\nsecret_file = "ari-secret"\n'
    elsewhere = 'media_host = "192.0.2.1"'  # RFC 5737: nobody's
    path.write_text(path.read_text().replace("[asterisk]", own + elsewhere))
    stderr = refused("run", home)
    assert "callers' audio cannot come to asterisk.media_host 192.0.2.1" in stderr


def test_ctrl_c_ends_it_without_a_traceback(home: Path) -> None:
    """While prompts are spoken: the longest thing that the command does before it serves."""
    command = [sys.executable, "-m", "screener", "sounds", "build", "--dir", str(home)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert running.stderr is not None
    assert "making sound 1" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "stopped: what is made is kept, and the next `screener sounds build` goes on" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("module", ["screener", "tests.calls.demo"])
def test_ctrl_c_is_one_calm_line_while_it_is_read_in_or_plays(module: str) -> None:
    program = f"""
import asyncio, runpy, sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "screener.cli":
            raise KeyboardInterrupt

def run(main):
    main.close()
    raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
asyncio.run = run
runpy.run_module({module!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.startswith("stopped")
    assert len(done.stderr.splitlines()) == 1
