"""What `screener check` looks at: whether everything that a call would need is there and works.

Each check gives findings: one line each, ok, a note or wrong, and what to do where it is wrong. A
check places no call and sends no mail, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from screener import config, disk, recogniser
from screener.asterisk import installation, soundpath
from screener.asterisk.client import Client
from screener.asterisk.configuration import LOOPBACK, music_folder
from screener.asterisk.dialplan import (
    AWAY,
    AWAY_EXTENSION,
    CODE,
    DOOR,
    FAILSAFE,
    REFUSE,
    VOICEMAIL,
    refusal,
)
from screener.asterisk.installation import NEEDED_MODULES, OLDEST
from screener.asterisk.media import Media
from screener.campaigns import fingerprint
from screener.campaigns import learning as campaigns
from screener.config import Settings, dir_of
from screener.core import review
from screener.core.callerid import shown_number
from screener.core.menu import SAID_EVERYWHERE, said_at
from screener.errors import (
    AriError,
    ConfigError,
    InstallError,
    MailError,
    PromptMissing,
    RecogniserError,
    ScreenerError,
    SetupError,
)
from screener.mail import postman
from screener.messages import lamps
from screener.messages.room import LEAST_DISK
from screener.recogniser import lexicon
from screener.records import database
from screener.records.calllog import DATABASE
from screener.rules import rulebook
from screener.voice.prompts import Prompts

_BUT = "but "  # begins a sentence of what is fit to run, and yet not as its owner may think


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: about what, whether it is as it should be, and one sentence."""

    about: str
    ok: bool
    text: str

    def __str__(self) -> str:
        verdict, text = "ok" if self.ok else "WRONG", self.text
        if self.ok and text.startswith(_BUT):
            verdict, text = "note", text.removeprefix(_BUT)
        return f"{verdict:5}  {self.about:13}  {text}".replace("\n", f"\n{'':22}")


async def examine(path: Path) -> AsyncIterator[Finding]:
    """Check the front door that the screener.toml at `path` describes, part by part."""
    try:
        settings = await asyncio.to_thread(config.load, path)
    except ConfigError as error:
        for mistake in error.mistakes:
            yield Finding("configuration", False, mistake)
        return
    yield Finding("configuration", True, _counted(settings))
    for warning in settings.warnings:
        yield Finding("configuration", True, f"but {warning}")
    for about, check in _CHECKS.items():
        for finding in await asyncio.to_thread(_outcome, about, check, settings):
            yield finding
    if settings.asterisk.url is not None:
        for finding in await _own_asterisk(settings, settings.asterisk.url):
            yield finding


def _outcome(about: str, check: Callable[[Settings], str], settings: Settings) -> list[Finding]:
    """What one check comes to: its sentences, or those of what it fails with."""
    try:
        text = check(settings)
    except ScreenerError as error:
        return [Finding(about, False, line) for line in str(error).splitlines()]
    return [Finding(about, True, line) for line in text.splitlines()]


def _counted(settings: Settings) -> str:
    extensions = {key for door in settings.doors.values() for key in door.extensions}
    parts = [
        _count(len(settings.doors), "number"),
        _count(len(extensions), "extension"),
        _count(len(settings.phones), "phone"),
        _count(len(settings.boxes), "message box", "message boxes"),
    ]
    return f"{settings.path}: {', '.join(parts)}"


def _count(how_many: int, one: str, many: str = "") -> str:
    return f"{how_many} {one if how_many == 1 else many or one + 's'}"


# Files and programs ------------------------------------------------------------------------------


def _rules(settings: Settings) -> str:
    loaded = rulebook.read(settings)
    rules = loaded.rules
    read = [_count(len(rules.rules), "rule"), _count(loaded.files, "file")]
    asked = [
        *([_count(len(rules.shelf.lists), "list")] if rules.shelf.lists else ()),
        *(
            f"{_count(len(book), 'number')} of {name}"
            for name, book in rules.shelf.contacts.items()
        ),
    ]
    beside = f", beside {', '.join(asked)}" if asked else ""
    remarks = tuple(f"{settings.rules}/{remark}" for remark in review.review(rules.rules))
    odd = rulebook.first((*loaded.troubles, *remarks))
    return "\n".join((f"{' in '.join(read)}{beside}", *(f"but {line}" for line in odd)))


def _grammars(settings: Settings) -> str:
    classes = recogniser.phrase_classes(settings.grammars)
    return f"{_count(len(classes), 'class', 'classes')} of robots' phrases"


def _sounds(settings: Settings) -> str:
    prompts = Prompts.open(settings)
    missing = prompts.missing()
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        have = "has" if len(missing) == 1 else "have"
        raise PromptMissing(
            f"{_count(len(missing), 'prompt')} {have} no sound yet ({names}):"
            f" run `screener sounds build{dir_of(settings.path)}`"
        )
    fit = f"{_count(len(list(prompts)), 'prompt')}, all with their sound"
    return "\n".join((fit, *(f"but {warning}" for warning in prompts.warnings)))


def _recogniser(settings: Settings) -> str:
    engine = recogniser.load(settings)
    said = said_at(settings.doors.values(), settings.directory.menus.values())
    unknown = engine.unknown_words(sorted(said - SAID_EVERYWHERE))
    if unknown:
        lines = "; ".join(filter(None, map(lexicon.probable, unknown)))
        perhaps = f" ({lines}, perhaps)" if lines else ""
        raise RecogniserError(
            f"{engine.name} does not know how these names sound: {', '.join(unknown)};"
            f" write them into {settings.grammars / 'words.dict'}{perhaps}, or choose other words"
        )
    mute = [shown_number(did) for did, door in settings.doors.items() if door.by_key]
    keyed = f"but callers of {', '.join(mute)} are not understood: they answer by keys"
    return "\n".join((f"{engine.name} is ready", *((keyed,) if mute else ())))


def _campaigns(settings: Settings) -> str:
    """How many recordings are known, and by what they are known again."""
    known, troubles = campaigns.known_in(settings.data)
    matched = sum(one.in_force for one in known.campaigns.values())
    told = [f"{_count(matched, 'recording')} would be known again"]
    told += [f"but {trouble}" for trouble in (fingerprint.trouble(), *troubles) if trouble]
    return "\n".join(told)


def _programs(settings: Settings) -> str:
    if shutil.which("ffmpeg") is None:
        raise InstallError("ffmpeg is not installed, messages need it: apt-get install ffmpeg")
    return "ffmpeg is there"


def _data(settings: Settings) -> str:
    """Whether the data folder can be written and has room, and the calls kept in it can be used.
    It is made where it is missing."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(settings.data).free
    except OSError as error:
        raise SetupError(f"{settings.data} {disk.unwritable(error)}") from None
    if free < LEAST_DISK:
        raise SetupError(f"only {free // 10**6} MB are free for {settings.data}: make room")
    if (calls := settings.data / DATABASE).exists():
        database.look(calls)
    return f"{settings.data} can be written, {free / 10**9:.1f} GB free"


# Other programs on the line ----------------------------------------------------------------------


def _mail(settings: Settings) -> str:
    """What takes our mail. A mail server that is away is wrong though sendmail stands in for it."""
    mail = settings.mail
    if mail.sendmail and not os.access(mail.sendmail, os.X_OK):
        raise MailError(
            f"mail.sendmail: there is no program {mail.sendmail}: install Postfix, Exim or msmtp,"
            f" or name its sendmail in {settings.path.name}"
        )
    told = [f"{mail.sendmail} is there"] if mail.sendmail else []
    try:
        return "\n".join([postman.reach(mail), *told] if mail.host else told)
    except MailError as error:
        raise MailError(f"{error}; see [mail] in {settings.path.name}") from None


def _links(settings: Settings) -> str:
    """Whether the links in mails work where mails are read. Without pages they hold none."""
    if settings.web.listen is None or not (why := settings.web.unreached):
        return ""
    return f"but {why}; until then links in mails work on this machine only"


def _feeds(settings: Settings) -> str:
    boxes = [name for name, box in settings.boxes.items() if box.feed]
    if not boxes:
        return ""
    told = f"{', '.join(boxes)}: `screener feed show BOX` shows the address"
    return f"{told}\nbut {why}" if (why := settings.web.unreached) else told


def _music(settings: Settings) -> str:
    """Whether the private Asterisk has the music that ring groups name."""
    if settings.asterisk.url is not None:
        return ""
    for group in settings.groups.values():
        folder = music_folder(settings, group.music)
        if group.music and not any(folder.glob("*.wav")):
            raise SetupError(
                f"groups.{group.name}.music: there is no music in {folder}: lay WAV files of 8 kHz,"
                " 16 bit, mono there, as `ffmpeg -i song.mp3 -ar 8000 -ac 1 song.wav` makes them"
            )
    return ""


def _private_asterisk(settings: Settings) -> str:
    """Where no url is given: is an Asterisk there to be run?"""
    if settings.asterisk.url is not None:
        return ""
    found = installation.find()
    if found is None:
        raise InstallError("no Asterisk is installed: run `screener pbx install`")
    able = f"a private Asterisk {found.version} can be run"
    dark = lamps.lacking_in(settings, found.modules)
    near = (
        f"but it listens on {LOOPBACK}: only programs of this machine reach it; for telephones"
        " elsewhere and a trunk set up an Asterisk of your own, and name it in asterisk.url"
        " (`screener pbx config` prints what it needs)"
    )
    return "\n".join((able, near, *((f"but {dark}",) if dark else ())))


async def _own_asterisk(settings: Settings, url: str) -> list[Finding]:
    """Ask the user's Asterisk through ARI whether all is there that `pbx config` prints."""
    asterisk = settings.asterisk
    try:
        # An application of our own: a screener that runs keeps its event socket and its calls.
        async with (
            Client(url, asterisk.user, asterisk.secret, f"{asterisk.app}-check") as client,
            await client.events(),
        ):
            found = [await _version(client), *[part async for part in _parts(client, settings)]]
            if all(finding.ok for finding in found):
                found.append(await _callers_sound(client, settings))
            return found
    except AriError as error:
        return [Finding("asterisk", False, f"{error}; see `screener pbx config`")]


async def _callers_sound(client: Client, settings: Settings) -> Finding:
    """Whether it comes from Asterisk to us."""
    host, media = settings.asterisk.media_host, Media()
    try:
        await media.open(host)
        comes = await soundpath.is_open(client, media)
    except AriError as error:
        return Finding("callers", False, f"whether their sound comes could not be tried: {error}")
    except OSError as error:
        wrong = f"their sound cannot come to asterisk.media_host {host} ({error.strerror}):"
        return Finding("callers", False, f"{wrong} name an address of this machine")
    finally:
        media.close()
    if comes:
        return Finding("callers", True, f"their sound comes from Asterisk to {host}")
    wrong = f"nothing of their sound comes from Asterisk to {host}: let its UDP through, or correct"
    return Finding("callers", False, f"{wrong} asterisk.media_host")


async def _version(client: Client) -> Finding:
    version = await client.version()
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < OLDEST:
        return Finding("asterisk", False, f"Asterisk {version} is too old: {OLDEST} or newer")
    return Finding("asterisk", True, f"Asterisk {version} answers at {client.url}")


async def _parts(client: Client, settings: Settings) -> AsyncIterator[Finding]:
    """The modules, the dialplan's contexts and the phones; one finding for each that is missing."""
    missing = []
    for module in NEEDED_MODULES:
        if not await client.module_running(module):
            missing.append(f"the module {module} is not loaded: load it in modules.conf")
    contexts = {DOOR: "s", FAILSAFE: "s", REFUSE: refusal(603, 21), AWAY: AWAY_EXTENSION}
    contexts |= {CODE: VOICEMAIL} if settings.voicemail else {}
    for context, extension in contexts.items():
        if not await client.dialplan_has(context, extension):
            missing.append(f"the dialplan has no [{context}]: see `screener pbx config`")
    for phone in settings.phones.values():
        technology, _, resource = phone.endpoint.partition("/")
        trunk = resource.partition("@")[2]  # of a number over a trunk, that is what can be asked
        if not await client.endpoint_known(f"{technology}/{trunk or resource}"):
            missing.append(
                f"phones.{phone.name}: Asterisk knows no {phone.endpoint}: correct the name in"
                " screener.toml, or set the phone up in Asterisk"
            )
    gateway = settings.directory.outside.gateway
    if gateway and not await client.endpoint_known(gateway):
        missing.append(f"asterisk.trunk: Asterisk knows no {gateway}: correct it in screener.toml")
    missing += await lamps.lacking(settings, client)
    for text in missing:
        yield Finding("asterisk", False, text)
    if not missing:
        yield Finding("asterisk", True, "modules, dialplan and phones are there")


_CHECKS: Mapping[str, Callable[[Settings], str]] = {
    "rules": _rules,
    "grammars": _grammars,
    "sounds": _sounds,
    "recogniser": _recogniser,
    "campaigns": _campaigns,
    "programs": _programs,
    "data": _data,
    "mail": _mail,
    "links": _links,
    "feeds": _feeds,
    "music": _music,
    "asterisk": _private_asterisk,
}
