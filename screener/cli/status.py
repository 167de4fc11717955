"""`screener status`: whether the front door is open, and what needs a hand."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener.cli.door import option, settings_of
from screener.core.callerid import shown, shown_number
from screener.errors import SetupError

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.status import Status

_LINE = 600  # characters of a mistake
_MAIL_PATIENCE = timedelta(minutes=15)  # a server that only wants to see a retry has had its retry


@click.command(short_help="Say how the front door is, and what needs a hand.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
@option
def status(file: Path, as_json: bool) -> None:
    """Say how the front door is: running or not, which rules are in force, what waits.

    Each mistake in rules that could not be taken over is told with its file, line and column. Exit
    status 0 when all is well; 1 when screener does not run, is not connected to Asterisk or does
    not hear callers, the newest rules are broken, no phone of a number is registered, the disk is
    nearly full, or a message could not be delivered or has waited for the mail server for a quarter
    of an hour.

    \b
    Examples:
        screener status
        screener status --json
    """
    door = _look(settings_of(file))
    if as_json:
        click.echo(json.dumps(door.as_data(), indent=1))
    else:
        for line in door.lines():
            click.echo(line if door.well else click.style(line, bold=line.startswith("!")))
    sys.exit(0 if door.well else 1)


@dataclass(frozen=True, slots=True)
class _Outage:
    """What was tried in vain and waits: so many messages, the oldest since then, and why. It is
    `long` where that is no passing matter."""

    waiting: int
    since: datetime
    why: str
    long: bool


@dataclass(frozen=True, slots=True)
class _Door:
    """A front door as it is now. `said` is what its service said last, `pid` whose runs (None: no
    service does; 0: it has just begun). `windows` are (kind, until, why); `undisturbed` the phones
    that are left in peace; `calls` counts those since midnight, by outcome. `short` says what the
    disk has too little room for, "" where it has enough. `outage` is what keeps mail waiting.
    screener.toml was last `changed` then. Of the phones of the `silent` groups none is
    registered."""

    zone: tzinfo | None
    pid: int | None
    said: Status | None
    windows: tuple[tuple[str, datetime, str], ...]
    undisturbed: tuple[str, ...]
    calls: dict[str, int]
    waiting: int
    failed: int
    short: str
    outage: _Outage | None
    changed: datetime
    silent: tuple[str, ...]

    @property
    def now(self) -> Status | None:
        """What the running service says; None where none runs, or it has said nothing yet."""
        return self.said if self.said is not None and self.said.pid == self.pid else None

    @property
    def outdated(self) -> bool:
        """Whether the running service has not read screener.toml as it is; to the second."""
        return self.now is not None and self.changed.replace(microsecond=0) > self.now.started

    @property
    def well(self) -> bool:
        return (
            self.now is not None
            and self.now.connected
            and not self.now.unheard
            and not self.now.mistakes
            and not self.failed
            and not self.short
            and not self.silent
            and not (self.outage and self.outage.long)
        )

    def lines(self) -> Iterator[str]:
        """All of it in words."""
        yield self._running()
        if self.now is not None:
            yield from self._doors(self.now)
            yield from self._rules(self.now)
        for group in self.silent:
            yield f"! phones   none of {shown(group)} is registered"
        if self.outdated:
            yield "note       screener.toml was changed since: start screener again"
        if self.short:
            yield f"! disk     {shown(self.short, _LINE)}"
        for kind, until, why in self.windows:
            yield f"window     {kind}, closes {self._clock(until)}: {shown(why, _LINE)}"
        if self.undisturbed:
            yield f"in peace   {', '.join(map(shown, self.undisturbed))} (`screener dnd`)"
        yield f"calls      {self._calls()} today"
        yield f"messages   {self._messages()}"
        if self.outage is not None:
            yield self._mail(self.outage)

    def _running(self) -> str:
        if self.pid is None:
            if self.said is None:
                return "screener is not running, and has not run yet: `screener run` starts it"
            if self.said.stopped is not None:
                return f"screener is not running: it ended on {self._clock(self.said.stopped)}"
            return (
                "screener is not running: it ended without a word, killed or by a power cut"
                f" (it was started on {self._clock(self.said.started)})"
            )
        if self.now is None:
            return f"screener is starting (process {self.pid})"
        since = self._clock(self.now.started)
        return f"screener {self.now.version} runs since {since} (process {self.pid})"

    def _doors(self, now: Status) -> Iterator[str]:
        for did, group in now.doors.items():
            yield f"door       {shown_number(did)} rings {shown(group)}"
        if now.shadow:
            yield "mode       shadow: every call rings, whatever the rules say"
        if not now.connected:
            yield "! asterisk NOT CONNECTED: calls ring without screener; see its log"
        if now.unheard:
            yield f"! callers  NOT HEARD: {shown(now.unheard, _LINE)}"
        for warning in now.warnings:
            yield f"warning    {shown(warning, _LINE)}"

    def _rules(self, now: Status) -> Iterator[str]:
        count = f"{_count(now.rules, 'rule')} of {_count(now.files, 'file')}"
        which = ", the last good ones," if now.copied else ""
        yield f"rules      {count}{which} in force since {self._clock(now.since)}"
        if now.mistakes:
            wrong = _count(now.wrong, "mistake")
            yield f"! rules    THE NEWEST ARE BROKEN and not in force: {wrong}"
        for line in now.mistakes:
            yield f"    {shown(line, _LINE)}"
        if (more := now.wrong - len(now.mistakes)) > 0:
            yield f"    and {more} more"
        for line in now.troubles:
            yield f"warning    {shown(line, _LINE)}"

    def _calls(self) -> str:
        parts = ", ".join(f"{count} {outcome}" for outcome, count in self.calls.items())
        total = sum(self.calls.values())
        return f"{_count(total, 'call')} ({parts})" if parts else "no calls"

    def _messages(self) -> str:
        failed = f"; {self.failed} could not be delivered: see `screener outbox`"
        waiting = (
            f"{self.waiting} on the way to the mail server" if self.waiting else "none waiting"
        )
        return waiting + (failed if self.failed else "")

    def _mail(self, outage: _Outage) -> str:
        head = "! mail  " if outage.long else "mail    "
        wait = f"{_count(outage.waiting, 'message')} {'waits' if outage.waiting == 1 else 'wait'}"
        return f"{head}   {wait} since {self._clock(outage.since)}: {shown(outage.why, _LINE)}"

    def _clock(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%a %d %b %Y %H:%M:%S")

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "ok": self.well,
            "running": self.pid is not None,
            "pid": self.pid,
            "service": self.said.as_data() if self.said else None,
            "windows": [
                {"kind": kind, "until": until.isoformat(), "why": why}
                for kind, until, why in self.windows
            ],
            "undisturbed": list(self.undisturbed),
            "calls_today": self.calls,
            "messages": {
                "waiting": self.waiting,
                "failed": self.failed,
                "deferred": self.outage.waiting if self.outage else 0,
                "deferred_since": self.outage.since.isoformat() if self.outage else None,
                "deferred_why": self.outage.why if self.outage else "",
            },
            "disk": self.short,
            "outdated": self.outdated,
            "unregistered": list(self.silent),
        }


def _count(how_many: int, one: str) -> str:
    return f"{how_many} {one if how_many == 1 else one + 's'}"


def _look(settings: Settings) -> _Door:
    """Look at a front door from outside; nothing is changed."""
    from screener import lock
    from screener import status as written
    from screener.calls import donotdisturb
    from screener.rules.windows import Windows

    now = datetime.now(UTC)
    pid = lock.holder(settings.data)
    said = written.read(settings.data)
    asked = said is not None and said.pid == pid and said.connected
    return _Door(
        zone=settings.zone,
        pid=pid,
        said=said,
        windows=tuple((o.kind.value, o.until, o.why) for o in Windows.of(settings).open(now)),
        undisturbed=tuple(sorted(donotdisturb.phones(settings.data))),
        calls=_calls_today(settings, now),
        waiting=_folders(settings.data / "outbox" / "queued"),
        failed=_folders(settings.data / "outbox" / "failed"),
        short=_short(settings),
        outage=_outage(settings, now),
        changed=datetime.fromtimestamp(settings.path.stat().st_mtime, UTC),
        silent=asyncio.run(_silent(settings, now)) if asked else (),
    )


async def _silent(settings: Settings, now: datetime) -> tuple[str, ...]:
    """The ring groups of numbers of which no phone is registered, as far as Asterisk tells."""
    from screener.calls.switchboard import Switchboard
    from screener.cli.ring import ari
    from screener.core.ringing import State
    from screener.errors import AriError

    silent = []
    async with ari(settings) as client:
        with suppress(AriError):
            await client.version()
            board = Switchboard(settings, client)
            for group in dict.fromkeys(door.group.name for door in settings.doors.values()):
                phones = settings.groups[group].phones
                states = (await board.circumstances(settings.groups[group], now)).states
                if all(states.get(phone.name) is State.OFFLINE for phone in phones):
                    silent.append(group)
    return tuple(silent)


def _outage(settings: Settings, now: datetime) -> _Outage | None:
    from screener.mail.mailqueue import MailQueue

    waiting = [
        item.record for item in MailQueue(settings.data / "outbox").deferred() if item.record
    ]
    if not waiting:
        return None
    since = min(record.written for record in waiting)
    last = max(waiting, key=lambda record: [step.at for step in record.history[-1:]])
    return _Outage(len(waiting), since, last.why_waiting, now - since >= _MAIL_PATIENCE)


def _short(settings: Settings) -> str:
    from screener.messages.room import shortage

    with suppress(OSError):  # there is no data folder yet
        free = shutil.disk_usage(settings.data).free
        if lacks := shortage(free, settings.boxes.values()):
            return f"only {free // 10**6} MB free: {lacks}"
    return ""


def _calls_today(settings: Settings, now: datetime) -> dict[str, int]:
    from screener.records.calllog import DATABASE, CallLog

    database = settings.data / DATABASE
    if not database.exists():
        return {}
    midnight = now.astimezone(settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    with CallLog(database) as log:
        return log.counts(midnight)


def _folders(where: Path) -> int:
    """How many messages lie in a folder of the outbox."""
    try:
        return sum(1 for _ in where.iterdir())
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise SetupError(
            f"{where} cannot be read ({error.strerror}): ask as the user who runs screener"
        ) from error
