"""`screener campaigns`: recordings that were played to us before."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import CALL, columns, option, settings_of
from screener.cli.inventory import counted
from screener.core.callerid import shown
from screener.core.story import table

if TYPE_CHECKING:
    from screener.core.campaign import Campaign, Known

NONE = "no campaigns yet: screener learns them from the calls of robots"
_HEADINGS = ("id", "what", "calls", "numbers", "first", "last", "it said")
_WIDEST = (8, 9, 6, 7, 11, 11, 80)


@click.group(invoke_without_command=True, short_help="Recordings that were played to you before.")
@option
@click.pass_context
def campaigns(context: click.Context, file: Path) -> None:
    """Recordings that robots have played to you, known again whatever number they come from.

    screener learns a recording from the call of a robot: its sound as a fingerprint, from which no
    sound can be made again, and its words. When a call sounds like it, its verdict says so.

    \b
    Examples:
        screener campaigns list
        screener campaigns forget 3kq7zd2a
        screener campaigns export campaigns.jsonl
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _list(file, every=False)


@campaigns.command("list")
@click.option("--all", "every", is_flag=True, help="Also those that you have forgotten.")
@option
def campaigns_list(file: Path, every: bool) -> None:
    """List the campaigns, those that were called last first.

    \b
    Examples:
        screener campaigns list
        screener campaigns list --all
    """
    _list(file, every=every)


@campaigns.command("show")
@click.argument("campaign", metavar="ID")
@option
def campaigns_show(file: Path, campaign: str) -> None:
    """Show what is known of a campaign. ID is in the first column of `screener campaigns list`.

    \b
    Example:
        screener campaigns show 3kq7zd2a
    """
    from screener.errors import CampaignError

    settings = settings_of(file)
    one = _known(settings.data).campaigns.get(campaign)
    if one is None:
        raise CampaignError(
            f"there is no campaign {shown(campaign)}: see `screener campaigns list`"
        )
    click.echo(_told(one, settings.zone))


@campaigns.command("forget")
@click.argument("campaign", metavar="ID")
@option
def campaigns_forget(file: Path, campaign: str) -> None:
    """Forget a campaign for good: it is not matched any more, and never learnt again.

    A screener that runs obeys from the next call on. `screener campaigns restore` undoes it.

    \b
    Example:
        screener campaigns forget 3kq7zd2a
    """
    from screener.core.campaign import Standing

    _judge(file, campaign, Standing.NEVER)
    click.echo(f"{campaign} is forgotten, and is not learnt again")
    click.echo(f"undo this with `screener campaigns restore {campaign}`")


@campaigns.command("restore")
@click.argument("campaign", metavar="ID")
@click.option("--wanted", is_flag=True, help="Its calls are wanted: keep them as messages.")
@option
def campaigns_restore(file: Path, campaign: str, wanted: bool) -> None:
    """Match a campaign again that was forgotten or is in doubt; or say that it is wanted.

    A campaign is in doubt when a caller who sounded like it got through as a person.

    \b
    Examples:
        screener campaigns restore 3kq7zd2a
        screener campaigns restore 3kq7zd2a --wanted
    """
    from screener.core.campaign import Standing

    _judge(file, campaign, Standing.WANTED if wanted else Standing.UNWANTED)
    click.echo(f"{campaign} is matched again, as {'wanted' if wanted else 'unwanted'}")


@campaigns.command("learn", short_help="Learn a recording from a sound file or a kept call.")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--call", "number", metavar="ID", type=CALL, help="Learn it from this.")
@click.option("--wanted", is_flag=True, help="Its calls are wanted: keep them as messages.")
@option
def campaigns_learn(file: Path, path: Path | None, number: int | None, wanted: bool) -> None:
    """Learn a recording that screener did not judge by itself, or misjudged.

    FILE is a sound of any kind that people have, such as a voicemail; --call takes what was kept of
    a call (see `screener listen --call`). Only its fingerprint is kept.

    \b
    Examples:
        screener campaigns learn voicemail.mp3
        screener campaigns learn --call 17
        screener campaigns learn --call 18 --wanted
    """
    from screener.calls.heardaudio import HeardAudio
    from screener.campaigns.campaignfile import folder
    from screener.campaigns.learning import teach
    from screener.core.campaign import Standing
    from screener.errors import CampaignError
    from screener.rehearsal.clips import open_clip

    settings = settings_of(file)
    if (path is None) == (number is None):
        raise click.UsageError("name a sound file, or a call by --call")
    if number is not None:
        path = HeardAudio(settings.data, settings.keep.heard.total_seconds()).path(number)
        if not path.exists():
            raise CampaignError(f"the sound of call {number} was not kept, or is gone by now")
    assert path is not None
    standing = Standing.WANTED if wanted else Standing.UNWANTED
    frames = open_clip(path).frames()
    one, before = teach(folder(settings.data), frames, standing, datetime.now(UTC))
    if before is standing:
        click.echo(f"{one.id} was known already, as {standing}")
        return
    click.echo(f"{one.id} is known now, as {standing}")
    back: dict[Standing | None, str] = {
        Standing.WANTED: f"restore {one.id} --wanted",
        Standing.UNWANTED: f"restore {one.id}",
    }
    undo = back.get(before, f"forget {one.id}")
    click.echo(f"undo this with `screener campaigns {undo}`")


@campaigns.command("export", short_help="Write the unwanted ones to a file for others.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@option
def campaigns_export(file: Path, path: Path) -> None:
    """Write the unwanted campaigns to a file that others can import.

    There is no audio in it, no caller's number, none of your numbers, and nothing of wanted calls:
    a fingerprint of each recording, hashes of its words, how often and when it was called, and
    phrases such as "press one".

    \b
    Example:
        screener campaigns export campaigns.jsonl
    """
    from screener.campaigns import campaignexport

    settings = settings_of(file)
    known = _known(settings.data)
    count = campaignexport.export(path, tuple(known.campaigns.values()))
    click.echo(f"{path}: {counted(count, 'campaign')}")


@campaigns.command("import", short_help="Add the campaigns of a file, or undo that.")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--undo", metavar="IMPORT", help="Take out what this import has added.")
@option
def campaigns_import(file: Path, path: Path | None, undo: str | None) -> None:
    """Add the campaigns that somebody else has exported. Take them only from people you trust.

    What you know already stays as it is, also what you have forgotten. The command prints how to
    take out again what it has added.

    \b
    Examples:
        screener campaigns import campaigns.jsonl
        screener campaigns import --undo 20250102T030405
    """
    from screener.campaigns import learning as change
    from screener.campaigns.campaignfile import folder
    from screener.errors import CampaignError

    where = folder(settings_of(file).data)
    if (path is None) == (undo is None):
        raise click.UsageError("name the file to import, or the import to --undo")
    if undo is not None:
        count = change.withdraw(where, undo)
        if not count:
            raise CampaignError(
                f"nothing that is known came with an import {shown(undo)!r}: `screener campaigns"
                " import` has said how it is called"
            )
        click.echo(f"{counted(count, 'campaign')} taken out")
    elif path is not None:
        done = change.take(where, path, datetime.now(UTC))
        told = f"{counted(done.new, 'campaign')} added, {done.known} known already"
        click.echo(told + (f", no room for {done.too_many}" if done.too_many else ""))
        if done.new:
            click.echo(f"undo this with `screener campaigns import --undo {done.origin}`")


# What is said ------------------------------------------------------------------------------------


def _known(data: Path) -> Known:
    from screener.campaigns.learning import known_in

    known, troubles = known_in(data)
    for trouble in troubles:
        click.echo(f"warning: {trouble}", err=True)
    return known


def _judge(file: Path, campaign: str, standing: str) -> None:
    from screener.campaigns.campaignfile import folder
    from screener.campaigns.learning import judge
    from screener.core.campaign import Standing

    judge(folder(settings_of(file).data), campaign, Standing(standing))


def _list(file: Path, *, every: bool) -> None:
    from screener.core.campaign import Standing

    settings = settings_of(file)
    found = [
        one
        for one in _known(settings.data).campaigns.values()
        if every or one.standing is not Standing.NEVER
    ]
    if not found:
        click.echo(NONE)
        return
    found.sort(key=lambda one: (one.last, one.id), reverse=True)
    lines = [_HEADINGS, *(_cells(one, settings.zone) for one in found)]
    click.echo(table(lines, _WIDEST, columns()))


def _cells(one: Campaign, zone: tzinfo | None) -> tuple[str, ...]:
    return (
        one.id,
        str(one.standing),
        str(one.calls),
        str(one.numbers),
        _day(one.first, zone),
        _day(one.last, zone),
        shown(", ".join(one.phrases), _WIDEST[-1]),
    )


def _day(when: datetime, zone: tzinfo | None) -> str:
    return when.astimezone(zone).strftime("%d %b %Y")


def _told(one: Campaign, zone: tzinfo | None) -> str:
    from screener.core.soundprint import ITEM

    items = len(one.sound) // 4
    what = {
        "doubted": "doubted: a caller who sounded like it got through as a person; not matched",
        "never": "forgotten: not matched, and never learnt again",
    }.get(one.standing, str(one.standing))
    lines = [
        f"campaign {one.id}",
        f"  {what}",
        f"  {counted(one.calls, 'call')} from {counted(one.numbers, 'number')}",
        f"  first {_moment(one.first, zone)}, last {_moment(one.last, zone)}",
        f"  sound: {items * ITEM + 2.7:.0f} s of speech as a fingerprint"
        if items
        else "  sound: none",
        f"  words: {counted(len(one.shingles) // 4, 'run')} of four, as hashes",
    ]
    if one.phrases:
        lines.append("  it said: " + ", ".join(f'"{shown(phrase)}"' for phrase in one.phrases))
    if one.origin:
        lines.append(f"  came with the import {shown(one.origin)}")
    return "\n".join(lines)


def _moment(when: datetime, zone: tzinfo | None) -> str:
    return when.astimezone(zone).strftime("%a %d %b %Y, %H:%M")
