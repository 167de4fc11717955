"""Message-waiting lamps: the phones of a box show how many of its messages nobody has heard.

What a phone is told is Asterisk's business (an unsolicited SIP NOTIFY, RFC 3842), which knows a
mailbox for each box. It is told the numbers at the start, when it is reached again, and when they
have changed. Everything that changes them is a file in the outbox's folders, whoever makes it: they
are looked at now and then, and at once when we have made a mark ourselves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from screener.asterisk.client import EXTERNAL, MAILBOXES, MINIVM, VOICEMAIL, Client
from screener.asterisk.configuration import lamps
from screener.asterisk.dialplan import LAMPS, waiting
from screener.config import Settings
from screener.errors import AriError
from screener.messages.inbox import Messages

log = logging.getLogger(__name__)

_LOOK_AGAIN = 2.0  # seconds
_SHARE = 50.0  # of so many seconds looking computes for one, however many messages there are

Waiting = tuple[int, int]
"""How many messages of a box are new, and how many have been heard."""


class Lamps:
    """The lamps of all boxes that have any."""

    def __init__(self, settings: Settings, client: Client, messages: Messages) -> None:
        self._boxes = [box.name for box in settings.boxes.values() if box.lamps]
        self._client = client
        self._messages = messages
        self._told: dict[str, Waiting] = {}
        self._warned = False
        self._failing = False
        self._reached = asyncio.Event()
        self._woken = asyncio.Event()

    def reached(self) -> None:
        """Asterisk is reached, and may know nothing of mailboxes: it may have been restarted."""
        self._told.clear()
        if self._boxes:  # else there is nothing to do, ever
            self._reached.set()
        self._woken.set()

    def look(self) -> None:
        """A message was marked: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Keep the lamps right until cancelled."""
        while True:
            await self._reached.wait()
            self._woken.clear()
            waiting, rest = await asyncio.to_thread(self._look)
            try:
                await self._tell(waiting)
            except AriError as failed:
                if not self._failing:
                    log.warning("lamps are told nothing until Asterisk answers again: %s", failed)
                self._failing = True
            else:
                self._failing = False
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._woken.wait()

    def _look(self) -> tuple[dict[str, Waiting], float]:
        """What is in each box, and for how long not to look again.

        That goes by what looking has computed: where it only took long because the machine is busy
        with something else, the lamps need not be late fifty times over.
        """
        begun, computed = time.monotonic(), time.thread_time()
        waiting = self._waiting()
        computed, lasted = time.thread_time() - computed, time.monotonic() - begun
        return waiting, max(_LOOK_AGAIN, _SHARE * computed, lasted)

    def _waiting(self) -> dict[str, Waiting]:
        """What is in each box."""
        there = [kept for kept in self._messages.all() if not kept.removed]
        new = Counter(kept.letter.box for kept in there if not kept.heard)
        heard = Counter(kept.letter.box for kept in there if kept.heard)
        return {box: (new[box], heard[box]) for box in self._boxes}

    async def _tell(self, waiting: dict[str, Waiting]) -> None:
        for box, (new, heard) in waiting.items():
            if self._told.get(box) == (new, heard):
                continue
            if not await self._client.set_mailbox(box, new, heard) and not self._warned:
                log.warning(
                    "boxes.%s.lamps: no lamp is lit, Asterisk has no module for that: see"
                    " `screener check`",
                    box,
                )
                self._warned = True
            self._told[box] = new, heard


def lacking_in(settings: Settings, modules: Path) -> str:
    """What an Asterisk with modules in this folder lacks for the lamps, "" for nothing."""
    if not lamps(settings):
        return ""
    for needed in (("res_pjsip_mwi.so",), (MAILBOXES, MINIVM)):
        if not any((modules / module).exists() for module in needed):
            return f"its lamps stay dark: it has no module {' or '.join(needed)}"
    return ""


async def lacking(settings: Settings, client: Client) -> list[str]:
    """What a user's own Asterisk lacks for the lamps, as sentences; needs the event socket."""
    phones = lamps(settings)
    if not phones:
        return []
    told = []
    if not await client.module_running("res_pjsip_mwi.so"):
        told.append("the module res_pjsip_mwi.so is not loaded, lamps need it")
    told += await _unlit(client)
    for phone, boxes in phones.items():
        shows = await client.endpoint_setting(f"PJSIP/{phone}", "mailboxes")
        if shows is not None and not {*boxes} <= {*shows.split(",")}:
            told.append(
                f"PJSIP/{phone} has no mailboxes={','.join(boxes)}, so its lamp shows nothing: see"
                " `screener pbx config`"
            )
    return told


async def _unlit(client: Client) -> list[str]:
    """Why nothing can light a lamp here, or what is dark because of what does."""
    module = await client.lights_lamps()
    if module == MAILBOXES:
        # It is loaded early, so at Asterisk's start it is the other that stays away.
        dark = [own for own in VOICEMAIL if await client.module_kept_out(own)]
        if not dark:
            return []
        return [
            f"{EXTERNAL}, by which lamps are lit, keeps out Asterisk's own voicemail"
            f" ({', '.join(dark)}): in modules.conf write noload for that if nobody uses it, else"
            f" noload = {EXTERNAL}: then {MINIVM} lights the lamps"
        ]
    if module == MINIVM:
        if await client.dialplan_has(LAMPS, waiting("x", 0, 0)):
            return []
        return [f"the dialplan has no [{LAMPS}]: see `screener pbx config`"]
    for own in VOICEMAIL:
        if await client.module_running(own):
            return [
                f"lamps need the module {MINIVM} ({MAILBOXES} cannot run beside {own}): load it"
            ]
    return [f"lamps need one of the modules {MAILBOXES} and {MINIVM}: load it"]
