"""Whether a private Asterisk answers, on ARI and on SIP; and what it said when it does not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp

from screener.asterisk.configuration import LOG, LOOPBACK
from screener.settings.surroundings import AsteriskSettings

_POLL = 0.05
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


async def answers(asterisk: AsteriskSettings, still_there: Callable[[], None]) -> None:
    """Wait until it answers on both. `still_there` raises when there is nobody left to wait for."""
    await _ari_answers(asterisk, still_there)
    await _sip_answers(asterisk.sip_port, still_there)


async def _ari_answers(asterisk: AsteriskSettings, still_there: Callable[[], None]) -> None:
    login = base64.b64encode(f"{asterisk.user}:{asterisk.secret}".encode()).decode("ascii")
    info = f"http://{LOOPBACK}:{asterisk.http_port}/ari/asterisk/info"
    async with aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as http:
        while True:
            still_there()
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(info) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(_POLL)


async def _sip_answers(port: int, still_there: Callable[[], None]) -> None:
    """Send OPTIONS (RFC 3261, 11) until anything comes back."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        probe.bind((LOOPBACK, 0))
        ask = _options(port, probe.getsockname()[1])
        while True:
            still_there()
            await loop.sock_sendto(probe, ask, (LOOPBACK, port))
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                async with asyncio.timeout(0.3):
                    await loop.sock_recv(probe, 4096)
                    return
            await asyncio.sleep(_POLL)


def _options(port: int, back: int) -> bytes:
    token = secrets.token_hex(8)
    return (
        f"OPTIONS sip:{LOOPBACK}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {LOOPBACK}:{back};branch=z9hG4bK{token};rport\r\n"
        f"From: <sip:ready@{LOOPBACK}>;tag={token}\r\nTo: <sip:{LOOPBACK}>\r\n"
        f"Call-ID: {token}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
    ).encode("ascii")


def telling(folder: Path) -> str:
    """The lines in Asterisk's logs that tell why: its errors, or the last that it said."""
    lines: list[str] = []
    for log in (folder / LOG, folder / "console.log"):
        with contextlib.suppress(OSError):
            lines += log.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [_COLOUR.sub("", line).strip() for line in lines]
    for mark in ("EXITING", "ERROR", ""):
        found = [line for line in lines if line and mark in line]
        if found:
            break
    return " | ".join(dict.fromkeys(found[:5])) or f"it said nothing; see {folder}"
