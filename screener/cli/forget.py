"""`screener forget`: delete all that is known of a caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.number import Number
    from screener.privacy.forgetting import Forgetting, Trace


@click.command(short_help="Delete all that is known of a caller.")
@click.argument("number", metavar="NUMBER")
@click.option("--dry-run", is_flag=True, help="Say what is known, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; messages that were not mailed yet stay.")
@click.option("--unsent", is_flag=True, help="Messages that were not mailed yet as well.")
@option
def forget(file: Path, number: str, dry_run: bool, yes: bool, unsent: bool) -> None:
    """Delete all that is known of a caller: calls, messages, recordings, transcripts.

    NUMBER is written as people in your country write it, or E.164. What there is is shown first,
    and nothing is deleted before you have said yes. It works while screener runs. Rules and address
    books that name the number stay as they are, and are named.

    \b
    Examples:
        screener forget 415-555-0100 --dry-run
        screener forget +14155550100
    """
    from screener.core.callerid import shown_number
    from screener.privacy.forgetting import Forgetting

    settings = settings_of(file)
    wanted = _number(settings, number)
    forgetting = Forgetting(settings, wanted)
    trace = forgetting.find()
    name = shown_number(wanted.e164 or wanted.raw)
    if trace.nothing:
        click.echo(f"nothing is known of {name}")
        if not wanted.e164:  # callers may show what is none, and that is known of them then
            lacks = f"{name} is not a telephone number in {settings.country}: was it mistyped?"
            click.echo(lacks, err=True)
            click.get_current_context().exit(1)
        _tell_places(trace)
        _tell_left(forgetting)
        return
    _tell_found(name, trace)
    if dry_run:
        return
    if not yes and not click.confirm(f"Delete all of this{_but(trace, unsent)}?"):
        raise click.Abort
    if trace.waiting and not (unsent or yes):
        unsent = click.confirm(f"Delete {_waiting(trace)} as well, which nobody has got?")
    undone = forgetting.forget(trace, datetime.now(UTC), unsent=unsent)
    _tell_done(forgetting, name, trace, unsent, undone)
    if undone:
        click.get_current_context().exit(1)


def _number(settings: Settings, text: str) -> Number:
    from screener.core import number

    read = number.read(text, settings.country)
    if read.withheld or not read.shows:
        raise click.BadParameter(
            f"{text!r}: expected a number; calls from hidden numbers cannot be told apart, so none"
            " can be forgotten"
        )
    return read


def _tell_found(name: str, trace: Trace) -> None:
    click.echo(f"{name} is known by")
    for line in _counted(trace):
        click.echo(f"  {line}")
    _tell_places(trace)
    if trace.unreached:
        click.echo(f"what Asterisk has recorded itself is not reached: {trace.unreached}")
        click.echo(
            "start it first: once its calls are gone, nobody knows whose recordings these are"
        )


def _counted(trace: Trace) -> Iterator[str]:
    """What there is, a line for each kind."""
    rows = trace.rows
    for count, one, many in (
        (len(rows.calls), "call and its story", "calls and their stories"),
        (rows.dialled, "time that your phones dialled it", "times that your phones dialled it"),
        (rows.named, "text of another call that names it", "texts of other calls that name it"),
        (len(trace.sent), "message that was mailed", "messages that were mailed"),
        (len(trace.unsent), "message that was NOT mailed yet", "messages that were NOT mailed yet"),
        (len(trace.mails), "report that names it", "reports that name it"),
        (
            len(trace.unsent_mails),
            "report that was NOT mailed yet",
            "reports that were NOT mailed yet",
        ),
        (len(trace.letters), "letter that names it", "letters that name it"),
        (
            trace.recordings,
            "recording that is NOT a mail yet",
            "recordings that are NOT mails yet",
        ),
        (len(trace.heard), "recording of what it said", "recordings of what it said"),
        (len(trace.campaigns), "campaign that it played", "campaigns that it played"),
        (len(trace.used), "rule's last use", "rules' last uses"),
        (len(trace.uses), "rule that is no more", "rules that are no more"),
    ):
        if count:
            yield f"{count:,} {one if count == 1 else many}"
    if rows.in_progress:
        yield "a call that is in progress: it stays; say this again when it is over"


def _tell_places(trace: Trace) -> None:
    if trace.places:
        click.echo(f"these name it, and stay as they are: {', '.join(trace.places)}")


def _waiting(trace: Trace) -> str:
    count = trace.waiting
    return "what was not mailed yet" if count == 1 else f"the {count} that were not mailed yet"


def _but(trace: Trace, unsent: bool) -> str:
    return f", but {_waiting(trace)}" if trace.waiting and not unsent else ""


def _tell_done(
    forgetting: Forgetting, name: str, trace: Trace, unsent: bool, undone: Sequence[str]
) -> None:
    click.echo(f"{name} is forgotten{', but:' if undone else ''}")
    for told in undone:
        click.echo(f"  {told}")
    if trace.waiting and not unsent:
        verb, it = ("stays", "it") if trace.waiting == 1 else ("stay", "them")
        click.echo(f"{_waiting(trace)} {verb}: `screener outbox` shows {it}")
    _tell_left(forgetting)


def _tell_left(forgetting: Forgetting) -> None:
    for path in forgetting.left():
        click.echo(f"still named in {path}")
