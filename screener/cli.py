"""The command `screener`: parse, call, print.

Every command works on a front door: the folder that holds screener.toml. It is the one given, else
$SCREENER_HOME, else the current folder. What goes wrong is a sentence on stderr and exit status 1.
A command imports what it needs when it runs: the engines take a second that `--help` need not wait.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener import __version__, config, starter
from screener.config import Settings
from screener.core.callerid import quoted, shown, shown_number
from screener.errors import ScreenerError

if TYPE_CHECKING:
    from screener.outbox import Outbox

_NAMED_IN_VERSION = ("aiohttp", "vosk", "pocketsphinx", "webrtcvad-wheels", "phonenumbers")


class _Front(click.Group):
    """Turns what screener raises on purpose into a sentence and exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ScreenerError as error:
            click.echo(error, err=True)
            context.exit(1)


def _print_versions(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    click.echo(f"screener {__version__}")
    click.echo(f"Python {platform.python_version()}")
    for package in _NAMED_IN_VERSION:
        try:
            click.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            click.echo(f"{package} is not installed")
    context.exit()


_Command = Callable[..., Any]


def _toml(context: click.Context, _: click.Parameter, folder: Path | None) -> Path:
    """The screener.toml of a front door (its own path will do as well)."""
    if folder is None and isinstance(context.obj, Path):
        return context.obj  # the group's --dir
    folder = folder or Path(os.environ.get("SCREENER_HOME") or ".")
    return folder if folder.suffix == ".toml" else folder / config.FILE


def _argument(command: _Command) -> _Command:
    """DIR as the argument of a command."""
    path: click.Path = click.Path(path_type=Path)
    argue = click.argument("file", metavar="[DIR]", required=False, type=path, callback=_toml)
    return argue(command)


def _option(command: _Command) -> _Command:
    """DIR as an option, for commands that have arguments of their own."""
    path: click.Path = click.Path(path_type=Path)
    words = "The front door's folder; else $SCREENER_HOME, else the current one."
    option = click.option("--dir", "file", metavar="DIR", type=path, callback=_toml, help=words)
    return option(command)


def _settings(file: Path) -> Settings:
    """The settings; what is unwise in them is said on stderr."""
    settings = config.load(file)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings


def _progress(line: str) -> None:
    click.echo(line, err=True)


@click.group(cls=_Front, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_versions,
    help="Print the versions of screener and of what it stands on.",
)
def main() -> None:
    """The front door for your telephone numbers: known callers ring through, robots do not.

    \b
    Begin with:
        screener init home      writes a configuration that explains itself
        screener check home     says what is still missing
        screener run home       opens the front door
    """


# Setting up --------------------------------------------------------------------------------------


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a starter configuration into DIR.

    It holds screener.toml with comments that teach, and the folders rules/, grammars/, sounds/ and
    data/. Nothing that is already there is overwritten.

    \b
    Example:
        screener init ~/front-door
    """
    for path in starter.write(folder):
        click.echo(f"wrote {path}")
    click.echo(
        f"\nNext:\n"
        f"  edit {folder / config.FILE}: your number, your phones, your mail address\n"
        f"  edit {folder / 'rules' / '1-allow.rules'}: who rings straight through\n"
        f"  screener sounds build --dir {folder}   speaks the prompts\n"
        f"  screener check {folder}                says what is still missing\n"
        f"  screener run {folder}                  opens the front door"
    )


@main.command()
@_argument
def check(file: Path) -> None:
    """Say whether the front door in DIR is fit to run, part by part.

    One line for each part: configuration, rules, grammars, sounds, recogniser, programs, data
    folder, mail server (no mail is sent) and Asterisk; where something is wrong, what to do. Exit
    status 0 when all is well, 1 otherwise.

    \b
    Example:
        screener check ~/front-door
    """
    sys.exit(0 if asyncio.run(_check(file)) else 1)


async def _check(file: Path) -> bool:
    from screener.checks import examine

    fit = True
    async for finding in examine(file):
        shown = str(finding)
        click.echo(shown if finding.ok else click.style(shown, fg="red"))
        fit = fit and finding.ok
    return fit


@main.command()
@_argument
def run(file: Path) -> None:
    """Open the front door in DIR and keep it open until Ctrl-C.

    Where screener.toml names no Asterisk, a private one is started (and installed, the first time).
    Prompts that have no sound yet are spoken first.

    \b
    Example:
        screener run ~/front-door
    """
    from screener import logs, service

    settings = _settings(file)
    logs.start()
    try:
        asyncio.run(service.run(settings, _progress))
    except KeyboardInterrupt:
        _progress("stopped")


# Calls -------------------------------------------------------------------------------------------


@main.group(invoke_without_command=True)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@_option
@click.pass_context
def calls(context: click.Context, file: Path, limit: int) -> None:
    """List the newest calls: who called, what came of it, and why.

    \b
    Examples:
        screener calls --limit 50
        screener calls show 17
    """
    context.obj = file
    if context.invoked_subcommand is not None:
        return
    from screener.core.story import calls_table
    from screener.store import CallLog

    database = _database(file)
    if not database.exists():
        click.echo(calls_table([], None))
        return
    with CallLog(database) as log:
        click.echo(calls_table(log.calls(limit), None, _columns()))


@calls.command("show")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@_option
def calls_show(file: Path, number: int) -> None:
    """Tell one call's story, with the rule or the evidence that decided it.

    ID is the number in the first column of `screener calls`.

    \b
    Example:
        screener calls show 17
    """
    from screener.core.story import tell_call
    from screener.errors import StoreError
    from screener.store import CallLog

    with CallLog(_database(file)) as log:
        found = log.call(number)
    if found is None:
        raise StoreError(f"there is no call {number}: see `screener calls`")
    click.echo(tell_call(*found, None))


def _database(file: Path) -> Path:
    from screener.store import DATABASE

    return _settings(file).data / DATABASE


def _columns() -> int:
    """How wide a line may be: the terminal's width, or enough for what reads from a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 140


# Sounds ------------------------------------------------------------------------------------------


@main.group()
def sounds() -> None:
    """What callers hear: texts that are spoken, and your recordings beside them.

    \b
    Examples:
        screener sounds list
        screener sounds build
    """


@sounds.command("list")
@_option
def sounds_list(file: Path) -> None:
    """List the prompts, where each comes from and how long it is.

    \b
    Example:
        screener sounds list --dir ~/front-door
    """
    from screener.prompts import Prompts

    prompts = Prompts.open(_settings(file))
    missing = set(prompts.missing())
    for prompt in prompts:
        length = "  none" if prompt.name in missing else f"{prompts.seconds(prompt.name):4.1f} s"
        if prompt.recording is not None:
            what = str(prompt.recording)
        else:
            what = f'"{prompt.text}"' if prompt.text else "tones"
        click.echo(f"{prompt.name:20}  {length}  {what}")


@sounds.command("build")
@_option
def sounds_build(file: Path) -> None:
    """Speak the texts that are new or changed, and take in new recordings.

    \b
    Example:
        screener sounds build --dir ~/front-door
    """
    from screener.prompts import Prompts

    prompts = Prompts.open(_settings(file))
    prompts.build(_progress)
    click.echo(f"all {len(list(prompts))} prompts have their sound")


# Asterisk ----------------------------------------------------------------------------------------


@main.group()
def pbx() -> None:
    """The Asterisk that screener works with: your own, or a private one.

    \b
    Examples:
        screener pbx config
        screener pbx install
    """


@pbx.command("config")
@click.option("--secret", is_flag=True, help="Write the ARI secret out instead of its place.")
@_option
def pbx_config(file: Path, secret: bool) -> None:
    """Print what your own Asterisk or FreePBX needs so that screener can answer its numbers.

    ARI user, dialplan and phones, each with the file that it goes into. It changes nothing.

    \b
    Example:
        screener pbx config > for-my-asterisk.conf
    """
    from screener.asterisk.configuration import pbx_config as text

    settings = _settings(file)
    click.echo(text(settings, settings.asterisk.secret if secret else None))


@pbx.command("install")
def pbx_install() -> None:
    """Install a private Asterisk for this user, from the distribution's own packages.

    It needs no root and changes nothing on the machine: it goes into the user's cache folder.
    About 100 MB are downloaded, once.

    \b
    Example:
        screener pbx install
    """
    from screener.asterisk.installation import install

    found = install(_progress)
    click.echo(f"Asterisk {found.version}: {' '.join(found.command)}")


# Outbox ------------------------------------------------------------------------------------------


@main.group(invoke_without_command=True)
@_option
@click.pass_context
def outbox(context: click.Context, file: Path) -> None:
    """Messages on their way to you: waiting, refused and sent.

    \b
    Examples:
        screener outbox list
        screener outbox retry 20250102T030405-1f2e3d4c
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _list_outbox(file)


@outbox.command("list")
@_option
def outbox_list(file: Path) -> None:
    """List the messages, and what the mail server last said of each.

    \b
    Example:
        screener outbox list
    """
    _list_outbox(file)


@outbox.command("retry")
@click.argument("message", metavar="ID")
@_option
def outbox_retry(file: Path, message: str) -> None:
    """Try to deliver a message again now, also one that was refused or given up.

    ID is in the first column of `screener outbox list`. The running screener delivers it.

    \b
    Example:
        screener outbox retry 20250102T030405-1f2e3d4c
    """
    _outbox(file).retry(message)
    click.echo(f"{message} will be tried again at once, by the screener that runs")


def _outbox(file: Path) -> Outbox:
    from screener.outbox import Outbox

    settings = _settings(file)
    return Outbox(settings.data / "outbox", settings.mail)


def _list_outbox(file: Path) -> None:
    items = _outbox(file).items()
    if not items:
        click.echo("no messages yet")
    for item in items:
        if item.record is None:
            click.echo(f"{item.id}  {item.state:6}  {item.trouble}: {item.folder}")
            continue
        letter = item.record.letter
        when = letter.when.astimezone().strftime("%d %b %H:%M")
        who = f"{shown_number(letter.number)} {quoted(letter.name) if letter.name else ''}".strip()
        click.echo(f"{item.id}  {item.state:6}  {when}  {letter.seconds:5.1f} s  from {who}")
        for recipient in item.record.recipients:
            reply = f": {shown(recipient.reply)}" if recipient.reply else ""
            click.echo(f"    to {shown(recipient.address)}, {recipient.delivery}{reply}")
        if item.record.history and item.state != "sent":
            click.echo(f"    last: {shown(item.record.history[-1].text)}")
