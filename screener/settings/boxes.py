"""Message boxes of screener.toml: whom each serves, and how it is heard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from screener.core.frontdoor import MessageBox, Phone, SoundFormat
from screener.settings import secret
from screener.settings.tables import (
    Reading,
    Table,
    UnfitError,
    check_name,
    distinct,
    duration,
    listing,
    mail_address,
    matching,
    member,
    nearest,
    one_of,
    time_zone,
    yes_or_no,
)

KEYS = (
    *("mail", "limit", "silence", "notify", "pin_file", "lamps", "feed"),
    *("format", "bitrate", "transcript", "timezone"),
)

# What speech needs, in kbit/s: MPEG-2 Layer III's own steps (ISO 13818-3); Opus takes any number.
_MP3_RATES = (16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128)
_OPUS_RATES = range(8, 129)
_USUAL_RATES = {SoundFormat.MP3: 32000, SoundFormat.OPUS: 24000, SoundFormat.WAV: 32000}
_RATE = re.compile(r"([0-9]{1,4})k")

_ENDPOINT = re.compile(r"PJSIP/[A-Za-z0-9_.-]{1,60}")


def read(
    root: Table, folder: Path, phones: Mapping[str, Phone], warnings: list[str]
) -> dict[str, MessageBox]:
    """The boxes by their names; `folder` is that of screener.toml."""
    return {
        name: _box(name, table, folder, phones, warnings)
        for name, table in root.tables("boxes", KEYS).items()
    }


def _box(
    name: str, table: Table, folder: Path, phones: Mapping[str, Phone], warnings: list[str]
) -> MessageBox:
    check_name(table.mistakes, table.where, name)
    expected = 'expected mail addresses: ["you@example.net"]'
    nowhere: tuple[str, ...] = ()
    mail = table.need(
        "mail", distinct(listing(mail_address, '"you@example.net"')), expected, nowhere
    )
    if "mail" in table and table["mail"] == []:
        table.mistakes.note(table.name("mail"), [], "a box needs at least one mail address")
    notify = table.take("notify", _phone_address, "")
    there = {phone.endpoint.casefold(): phone.endpoint for phone in phones.values()}
    if notify and notify.casefold() not in there:
        advice = nearest(notify, there.values())
        warnings.append(f'boxes.{name}.notify: "{notify}" is none of the phones; {advice}')
    form = table.take("format", one_of(SoundFormat), SoundFormat.MP3)
    zone = table.take("timezone", time_zone, None)
    return MessageBox(
        name,
        mail,
        form=form,
        bits=table.take("bitrate", _bit_rate(form), _USUAL_RATES[form]),
        zone=zone.key if zone else "",
        transcript=table.take("transcript", yes_or_no, True),
        feed=table.take("feed", yes_or_no, False),
        limit=table.take("limit", duration(5, 3600), 300.0),
        silence=table.take("silence", duration(0, 300), 6.0),
        notify=notify,
        pin=secret.pin(table, "pin_file", folder),
        lamps=table.take("lamps", distinct(listing(_lamp(phones), '"kitchen"')), nowhere),
    )


def _bit_rate(form: SoundFormat) -> Reading[int]:
    """Bits a second that a message in this format takes."""

    def rate(value: object) -> int:
        found = _RATE.fullmatch(value) if isinstance(value, str) else None
        kbits = int(found[1]) if found else 0
        if form is SoundFormat.MP3 and kbits not in _MP3_RATES:
            listed = ", ".join(f"{each}k" for each in _MP3_RATES)
            raise UnfitError(f"expected one of {listed}: an MP3 has no others")
        if form is SoundFormat.OPUS and kbits not in _OPUS_RATES:
            raise UnfitError('expected from "8k" to "128k" for Opus')
        if form is SoundFormat.WAV:
            raise UnfitError("a WAV file is as large as it is: leave bitrate out")
        return 1000 * kbits

    return rate


_phone_address = matching(
    _ENDPOINT, 'expected a phone of Asterisk that takes messages: "PJSIP/kitchen"'
)


def _lamp(phones: Mapping[str, Phone]) -> Reading[str]:
    """The name of a phone that has a lamp: one of the house, not one behind a trunk."""
    reading = member(phones, "phone", "[phones]")

    def lamp(value: object) -> str:
        phone = reading(value)
        if not _ENDPOINT.fullmatch(phone.endpoint):
            raise UnfitError(f"{phone.endpoint} is no phone of Asterisk's own: it has no lamp")
        return phone.name

    return lamp
