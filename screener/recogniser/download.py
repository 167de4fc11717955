"""Fetching a large file over HTTP: what came before the line broke is kept and gone on from.

The file grows as `NAME.part`; beside it, `NAME.part.from` says where it comes from and which
version it was, so that two versions are never joined (RFC 9110: Range, If-Range, 206, 416).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from screener.errors import InstallError

Progress = Callable[[str, int, int], None]
"""Told of a file's name, how many of its bytes are there, and how many will be (0: unknown)."""

LARGEST = 5_000_000_000
"""No model's archive is larger (bytes); the largest that is published has 2.4 GB."""

_PIECE = 1 << 16
# A server that says nothing for so long (seconds) has gone.
_SILENCE = 30.0
# How often a broken connection is taken up again without a byte having come, and after how long.
_TRIES = 4
_PAUSE = 1.0
# What a connection breaks by. A full disk is none of it.
_BREAKS = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
# What a server says that may be different in a moment.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Download:
    """A file to fetch. `size` is what it must have (bytes), None where that is not known.

    `told` is its name for people; `advice` follows what is said where it cannot be had.
    """

    address: str
    to: Path
    size: int | None
    told: str
    advice: str
    tell: Progress

    def run(self) -> Path:
        """Fetch it, or the rest of it. Raises InstallError; what came is kept for the next time."""
        part = self.to.with_name(f"{self.to.name}.part")
        tries = 0
        while True:
            before = _size(part)
            try:
                if self._take(part):
                    break
            except HTTPError as refused:
                with refused:
                    if refused.code not in _PASSING:
                        raise InstallError(self._refused(refused.code)) from None
                why = f"it answers {refused.code}"
            except _BREAKS as error:
                why = _reason(error)
            else:
                why = "the connection broke"
            tries = tries + 1 if _size(part) <= before else 1
            if tries >= _TRIES:
                raise InstallError(self._broken(_size(part), why))
            time.sleep(_PAUSE)
        part.replace(self.to)  # its content is on the disk; a name that is lost is fetched again
        _origin(part).unlink(missing_ok=True)
        return self.to

    def _take(self, part: Path) -> bool:
        """One connection: whether the file is whole after it."""
        begun = self._begun(part)
        asked = {"Accept-Encoding": "identity", "User-Agent": "screener"}
        if begun:
            asked |= {"Range": f"bytes={_size(part)}-"} | _if_range(begun)
        request = Request(self.address, headers=asked)
        try:
            # Which schemes are taken is checked where the address is read (models.py).
            answer = urlopen(request, timeout=_SILENCE)
        except HTTPError as refused:
            if refused.code != 416:
                raise
            refused.close()  # there is no more than we have, or another file stands there now
            if self.size is not None and _size(part) == self.size:
                return True
            part.unlink(missing_ok=True)
            return False
        with answer:
            goes_on = answer.status == 206
            start = _size(part) if goes_on else 0
            if goes_on and _first(answer.headers) != start:
                part.unlink()  # not the part that was asked for: from the beginning, then
                return False
            length = answer.headers.get("Content-Length", "")
            whole = start + int(length) if length.isdecimal() else 0
            self._check(whole, start)
            if not goes_on:
                _note(part, self.address, answer.headers)
            return self._write(answer, part, start, whole)

    def _begun(self, part: Path) -> dict[str, str]:
        """What is known of the part that is here; nothing where it is to begin anew."""
        try:
            known = json.loads(_origin(part).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        if not isinstance(known, dict) or known.get("address") != self.address or not _size(part):
            part.unlink(missing_ok=True)
            return {}
        return {str(key): str(value) for key, value in known.items()}

    def _check(self, whole: int, start: int) -> None:
        """Before anything is written: is it the right size, and is there room for it?"""
        if self.size is not None and whole and whole != self.size:
            raise InstallError(
                f"{self.address} is not {self.told} as it is published: it has {whole:,} bytes"
                f" and not {self.size:,}; {self.advice}"
            )
        if whole > LARGEST:
            raise InstallError(f"{self.address} has {whole:,} bytes: no model is so large")
        free = shutil.disk_usage(self.to.parent).free
        if whole - start > free:
            raise InstallError(
                f"there is no room for {self.told} in {self.to.parent}: it needs"
                f" {whole / 1e6:,.0f} MB, and as much again and more to be unpacked;"
                f" {free / 1e6:,.0f} MB are free"
            )

    def _write(self, answer: IO[bytes], part: Path, start: int, whole: int) -> bool:
        have = start
        with part.open("ab" if start else "wb") as file:
            self.tell(self.told, have, whole)
            while piece := answer.read(_PIECE):
                file.write(piece)
                have += len(piece)
                self.tell(self.told, have, whole)
                if have > (whole or LARGEST):
                    part.unlink()
                    raise InstallError(f"{self.address} does not end: no model is so large")
            file.flush()
            os.fsync(file.fileno())
        return have == whole or (not whole and have > 0)

    def _refused(self, code: int) -> str:
        what = "is not there" if code in (404, 410) else "is not given out"
        return f"{self.address} {what} (the server says {code}); {self.advice}"

    def _broken(self, have: int, why: str) -> str:
        if not have:
            host = urlsplit(self.address).hostname
            return f"this machine cannot reach {host} ({why}): {self.advice}"
        of = f" of {self.size / 1e6:,.1f}" if self.size else ""
        return (
            f"the download of {self.told} broke off at {have / 1e6:,.1f}{of} MB ({why}): what came"
            " is kept; say the same again to go on from there"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _origin(part: Path) -> Path:
    return part.with_name(f"{part.name}.from")


def _note(part: Path, address: str, headers: Mapping[str, str]) -> None:
    """Where a part comes from, and which version of it."""
    part.unlink(missing_ok=True)
    version = headers.get("ETag", "")
    known = {
        "address": address,
        "etag": "" if version.startswith("W/") else version,  # a weak one does not tell bytes
        "modified": headers.get("Last-Modified", ""),
    }
    _origin(part).write_text(json.dumps(known), encoding="utf-8")


def _if_range(begun: Mapping[str, str]) -> dict[str, str]:
    version = begun.get("etag") or begun.get("modified") or ""
    return {"If-Range": version} if version else {}


def _first(headers: Mapping[str, str]) -> int:
    """The first byte of an answer in part: "bytes 100-199/200"."""
    unit, _, place = headers.get("Content-Range", "").partition(" ")
    first = place.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else -1


def _reason(error: Exception) -> str:
    """Why there was no connection, or why it broke, in a few words."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__
