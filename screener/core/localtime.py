"""A moment as somebody's clock shows it, in his time zone.

Calls are kept in UTC. When clocks are set back, one hour comes twice: then, and for whoever lives
in another zone than the owner, the zone's abbreviation says which is meant. Clocks that are set
forward leave an hour out; no moment has it.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str, owners: tzinfo | None) -> tzinfo | None:
    """The zone with this IANA name; the owner's for "", and where there is none of that name (None:
    this machine's)."""
    try:
        return ZoneInfo(name) if name else owners
    except (ZoneInfoNotFoundError, ValueError, OSError):  # taken out of the zones since, say
        return owners


def told(when: datetime, zone: tzinfo | None, owners: tzinfo | None) -> str:
    """ "Friday 20 November 2026, 14:03"; "..., 23:03 CET" where that is not the owner's time."""
    local = when.astimezone(zone)
    text = f"{day(when, zone)}, {local:%H:%M}"
    return f"{text} {_abbreviation(local)}" if _unclear(local, zone, owners) else text


def day(when: datetime, zone: tzinfo | None) -> str:
    """ "Friday 20 November 2026"."""
    local = when.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}"


def _unclear(local: datetime, zone: tzinfo | None, owners: tzinfo | None) -> bool:
    """Whether a time of day alone could be taken for another moment."""
    plain = local.replace(tzinfo=zone)  # None: as this machine's clock has it
    first, second = (plain.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first != second or local.utcoffset() != local.astimezone(owners).utcoffset()


def _abbreviation(local: datetime) -> str:
    """ "PST"; "UTC+03" for the zones that have none."""
    name = local.strftime("%Z")
    return f"UTC{name}" if name[:1] in {"+", "-"} else name
