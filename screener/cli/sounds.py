"""`screener sounds`: what callers hear."""

from __future__ import annotations

from pathlib import Path

import click

from screener.cli.door import option, progress, settings_of


@click.group(short_help="What callers hear: texts that are spoken, and recordings.")
def sounds() -> None:
    """What callers hear: texts that are spoken, and your recordings beside them.

    \b
    Examples:
        screener sounds list
        screener sounds build
    """


@sounds.command("list")
@option
def sounds_list(file: Path) -> None:
    """List the prompts, where each comes from and how long it is.

    \b
    Example:
        screener sounds list --dir ~/front-door
    """
    from screener.prompts import Prompts

    prompts = Prompts.open(settings_of(file))
    missing = set(prompts.missing())
    for prompt in prompts:
        length = "  none" if prompt.name in missing else f"{prompts.seconds(prompt.name):4.1f} s"
        if prompt.recording is not None:
            what = str(prompt.recording)
        else:
            what = f'"{prompt.text}"' if prompt.text else "tones"
        click.echo(f"{prompt.name:20}  {length}  {what}")


@sounds.command("build")
@option
def sounds_build(file: Path) -> None:
    """Speak the texts that are new or changed, and take in new recordings.

    \b
    Example:
        screener sounds build --dir ~/front-door
    """
    from screener.prompts import Prompts

    prompts = Prompts.open(settings_of(file))
    prompts.build(progress)
    click.echo(f"all {len(list(prompts))} prompts have their sound")
