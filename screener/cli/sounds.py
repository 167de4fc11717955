"""`screener sounds`: what callers hear."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener.cli.door import option, progress, settings_of

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.voice.prompts import Prompt, Prompts

Command = Callable[..., Any]


def _language(command: Command) -> Command:
    return click.option("--language", metavar="LANG", default="", help="Another language's: de.")(
        command
    )


@click.group(short_help="What callers hear: texts that are spoken, and recordings.")
def sounds() -> None:
    """What callers hear: texts that are spoken, and your recordings in their place.

    A running screener takes over what is changed within seconds.

    \b
    Examples:
        screener sounds list
        screener sounds build
        screener sounds record greeting
    """


@sounds.command("list")
@_language
@option
def sounds_list(file: Path, language: str) -> None:
    """List the prompts: number (for the studio), language, length, and where each comes from.

    Words that a recogniser did not understand in a spoken prompt are named: callers may not either.

    \b
    Example:
        screener sounds list --language de
    """
    from screener.voice import soundcheck

    settings, prompts = _open(file)
    if language:
        prompts.prompt("greeting", language)  # raises where there is no such language
    missing = set(prompts.missing())
    missed = soundcheck.found(settings)
    for each in prompts.languages:
        mine = [prompt for prompt in prompts if prompt.language == each]
        for number, prompt in enumerate(mine, 1) if language in ("", each) else ():
            without = prompts.title(prompt) in missing
            length = "  none" if without else f"{prompts.seconds(prompt.name, each):4.1f} s"
            what = str(prompt.recording or (f'"{prompt.text}"' if prompt.text else "tones"))
            odd = _not_understood(missed.get(prompt.file.name, ()))
            start = f"{number:3} {each} {prompt.name:20}  {length}  {_kind(prompt):8}  {what}"
            click.echo(f"{start}{f'  ({odd})' if odd else ''}")


def _kind(prompt: Prompt) -> str:
    if prompt.recording is not None:
        return "recorded"
    return "spoken" if prompt.text else "made"


def _not_understood(words: Collection[str]) -> str:
    return f"not understood: {', '.join(words)}" if words else ""


@sounds.command("build")
@option
def sounds_build(file: Path) -> None:
    """Speak the texts that are new or changed, take in new recordings, and listen to the result.

    Each new spoken prompt is played to the recogniser, which knows English only; the words that it
    could not understand are printed.

    \b
    Example:
        screener sounds build --dir ~/front-door
    """
    from screener.voice import soundcheck

    settings, prompts = _open(file)
    try:
        prompts.build(progress)
    except KeyboardInterrupt:
        progress("stopped: what is made is kept, and the next `screener sounds build` goes on")
        raise
    click.echo(f"all {len(list(prompts))} prompts have their sound")
    soundcheck.listen(prompts, settings, progress)
    missed = soundcheck.found(settings)
    told = [(p, odd) for p in prompts if (odd := _not_understood(missed.get(p.file.name, ())))]
    for prompt, odd in told:
        click.echo(f'{prompts.title(prompt)}: {odd}, in "{prompt.text}"')
    for language in prompts.languages:
        if not soundcheck.understands(language):
            click.echo(f"{language}: the recogniser has no model of it: listen to them yourself")
    if told:
        progress(
            "not understood: the recogniser missed these words, so a caller may, too. Nothing has"
            " to be done; hear them by `screener sounds play NAME`, and word anew what is unclear"
        )


@sounds.command("play")
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), help="Write it to this WAV file instead.")
@_language
@option
def sounds_play(file: Path, name: str, language: str, to: Path | None) -> None:
    """Play a prompt, as callers hear it, on this machine's speakers.

    \b
    Examples:
        screener sounds play greeting
        screener sounds play greeting --language de --to greeting.wav
    """
    from screener.voice import soundcard

    _, prompts = _open(file)
    prompts.prompt(name, language)  # raises where there is no such prompt
    prompts.build(progress)
    path = prompts.path(name, language)
    if to is None:
        soundcard.play(path)
        return
    try:
        shutil.copyfile(path, to)
    except OSError as error:
        raise click.ClickException(f"{to} cannot be written ({error.strerror})") from None
    click.echo(f"{to}: {prompts.seconds(name, language):.1f} s")


@sounds.command("record")
@click.argument("name")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A sound file to take.")
@_language
@option
def sounds_record(file: Path, name: str, language: str, source: Path | None) -> None:
    """Put your own voice in the place of a prompt: from the microphone, or from a sound file.

    The recording is refused where it holds no voice, is clipped, or is too short or too long. The
    silence around it is cut off, and its loudness is that of all prompts. The earlier recording is
    kept: `screener sounds undo NAME`.

    \b
    Examples:
        screener sounds record greeting
        screener sounds record extension-1 --from me.wav
    """
    from screener.voice import ownvoice
    from screener.voice.prompts import MADE

    settings, prompts = _open(file)
    prompt = prompts.prompt(name, language)
    with tempfile.TemporaryDirectory(prefix="screener-") as folder:
        taken = source or _from_microphone(Path(folder) / "take.wav", prompt)
        pcm = ownvoice.fit(taken, voice=name not in MADE)
    path = ownvoice.take_in(settings.sounds / prompt.language, name, pcm)
    prompts.renew(progress)
    click.echo(f"{path}: {prompts.seconds(name, language):.1f} s")
    click.echo(f"To undo this: {_undo(prompts, prompt)}")


def _from_microphone(path: Path, prompt: Prompt) -> Path:
    from screener.voice import soundcard

    if prompt.text:
        click.echo(f'It said so far: "{prompt.text}"', err=True)

    def until() -> None:
        click.prompt("Speak now; press Enter when you are done", default="", show_default=False,
                     prompt_suffix=".", err=True)  # fmt: skip

    soundcard.record(path, until)
    return path


def _undo(prompts: Prompts, prompt: Prompt) -> str:
    usual = prompt.language == prompts.languages[0]
    return f"screener sounds undo {prompt.name}" + (
        "" if usual else f" --language {prompt.language}"
    )


@sounds.command("undo")
@click.argument("name")
@_language
@option
def sounds_undo(file: Path, name: str, language: str) -> None:
    """Bring back what callers heard before a prompt was last recorded; once more: the newer one.

    \b
    Example:
        screener sounds undo greeting
    """
    from screener.voice import ownvoice

    settings, prompts = _open(file)
    prompt = prompts.prompt(name, language)
    back = ownvoice.undo(settings.sounds / prompt.language, name)
    prompts.renew(progress)
    now = prompts.prompt(name, language)
    click.echo(f"{name} is {back}" if back else f'{name} is spoken again: "{now.text}"')


def _open(file: Path) -> tuple[Settings, Prompts]:
    from screener.voice.prompts import Prompts

    settings = settings_of(file)
    return settings, Prompts.open(settings)
