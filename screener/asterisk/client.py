"""ARI's requests, the ones that screener makes, typed. The words are ARI's own.

None waits for an Asterisk that does not answer (wire.py): nor does a call.
Source: Asterisk's rest-api/api-docs/*.json.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from screener.asterisk.dialplan import (
    AWAY,
    AWAY_EXTENSION,
    AWAY_TO,
    DEADLINE,
    DOOR,
    FAILSAFE,
    FAILSAFE_EXTENSION,
    LAMPS,
    REFUSE,
    deadline_of,
    mailbox,
    refusal,
    waiting,
)
from screener.asterisk.wire import TIMEOUT, Wire
from screener.errors import AriGone, AriNotInStasis, AriRefused

MAILBOXES, MINIVM = "res_ari_mailboxes.so", "app_minivm.so"
"""The modules by which lamps can be lit, the better one first."""
EXTERNAL = "res_mwi_external.so"
"""What the first of them runs on. Of it and `VOICEMAIL` Asterisk runs one, the first loaded."""
VOICEMAIL = ("app_voicemail.so", "app_voicemail_imap.so", "app_voicemail_odbc.so")
"""Asterisk's own voicemail, by where it keeps its messages."""


class Client(Wire):
    """The requests to one Asterisk; `url` is ARI's base, "http://127.0.0.1:8088/ari"."""

    # Asterisk --------------------------------------------------------------------------------

    async def version(self) -> str:
        """Asterisk's version, "22.10.1"."""
        info = await self._ask("GET", "asterisk", "info", only="system")
        return str(info["system"]["version"])

    async def module_running(self, name: str) -> bool:
        """Whether a module is loaded and running."""
        return await self._module_status(name) == "Running"

    async def module_kept_out(self, name: str) -> bool:
        """Whether a module was to be loaded and would not run."""
        return await self._module_status(name) == "Not Running"

    async def _module_status(self, name: str) -> str:
        """As Asterisk calls it; "" of a module that nobody has loaded."""
        try:
            module = await self._ask("GET", "asterisk", "modules", name)
        except (AriGone, AriNotInStasis):
            return ""
        return str(module["status"])

    async def endpoint(self, endpoint: str) -> dict[str, Any]:
        """What Asterisk knows of an endpoint ("PJSIP/kitchen"): its `state` ("online", "offline",
        "unknown") and the `channel_ids` that it has. Raises AriGone where there is no such one."""
        technology, _, resource = endpoint.partition("/")
        return dict(await self._ask("GET", "endpoints", technology, resource))

    async def endpoint_known(self, endpoint: str) -> bool:
        """Whether Asterisk has such an endpoint."""
        try:
            await self.endpoint(endpoint)
        except AriGone:
            return False
        return True

    async def send_text(self, endpoint: str, text: str) -> None:
        """Send a phone ("PJSIP/kitchen") a SIP MESSAGE (RFC 3428); whether it came is not told."""
        technology, _, name = endpoint.partition("/")
        to, sender = f"{technology.lower()}:{name}", "sip:screener@localhost"
        message = {"to": to, "from": sender, "body": text}
        await self._ask("PUT", "endpoints", "sendMessage", body=message)

    async def lights_lamps(self) -> str:
        """The module by which `set_mailbox` can light lamps here; "" where there is none."""
        for module in (MAILBOXES, MINIVM):
            if await self.module_running(module):
                return module
        return ""

    async def set_mailbox(self, box: str, new: int, heard: int) -> bool:
        """Say how many messages a box holds, for its lamps; whether Asterisk can be told that."""
        module = await self.lights_lamps()
        if module == MAILBOXES:
            await self._ask("PUT", "mailboxes", mailbox(box), oldMessages=heard, newMessages=new)
        elif module == MINIVM:
            extension = waiting(box, new, heard)
            await self._ask(
                "POST",
                "channels",
                endpoint=f"Local/{extension}@{LAMPS}",
                context=LAMPS,
                extension=extension,
                priority=1,
            )
        return bool(module)

    async def dialplan_has(self, context: str, extension: str = "s") -> bool:
        """Whether the dialplan has an extension in a context: s in "screener-door".

        Only a channel can be asked, so one is made, and taken away without being dialled. Needs the
        event socket, or our application would not be there to own it.
        """
        async with self._probe(f"Local/{extension}@{context}") as channel:
            return await self._has(channel, context, extension)

    async def endpoint_setting(self, endpoint: str, setting: str) -> str | None:
        """What an endpoint ("PJSIP/kitchen") has been set to; None where Asterisk cannot tell.

        Needs the event socket, and our dialplan.
        """
        if not await self.module_running("func_pjsip_endpoint.so"):
            return None
        asked = f"PJSIP_ENDPOINT({endpoint.partition('/')[2]},{setting})"
        async with self._probe(f"Local/s@{DOOR}") as channel:
            return await self.variable(channel, asked)

    @asynccontextmanager
    async def _probe(self, endpoint: str) -> AsyncIterator[str]:
        """A channel to ask things of: it is never dialled, and taken away."""
        channel = f"check-{secrets.token_hex(8)}"
        await self.create(channel, endpoint, "check", TIMEOUT)
        try:
            yield channel
        finally:
            await self.hangup(channel)

    async def _has(self, channel: str, context: str, extension: str) -> bool:
        return await self.variable(channel, f"DIALPLAN_EXISTS({context},{extension},1)") == "1"

    # Channels --------------------------------------------------------------------------------

    async def channels(self) -> list[dict[str, Any]]:
        """Every channel that Asterisk has."""
        return list(await self._ask("GET", "channels"))

    def owns(self, channel: Mapping[str, Any]) -> bool:
        """Whether a channel, as `channels` gives it, is in our application now."""
        dialplan = channel.get("dialplan") or {}
        application = str(dialplan.get("app_data", "")).partition(",")[0]
        return dialplan.get("app_name") == "Stasis" and application == self.app

    async def only_events(self, *types: str) -> None:
        """Have only these types of events sent: a bridge alone sets off dozens that none reads."""
        await self._ask(
            "PUT",
            "applications",
            self.app,
            "eventFilter",
            body={"allowed": [{"type": kind} for kind in types]},
        )

    async def hear_endpoint(self, endpoint: str) -> None:
        """Have the events of all channels of an endpoint ("PJSIP/kitchen") sent, ours or not."""
        await self._ask(
            "POST", "applications", self.app, "subscription", eventSource=f"endpoint:{endpoint}"
        )

    async def hear_channel(self, channel: str) -> None:
        """Have the events of a channel sent even after it has left our application."""
        await self._ask(
            "POST", "applications", self.app, "subscription", eventSource=f"channel:{channel}"
        )

    async def forget_channel(self, channel: str) -> None:
        """No longer have the events sent that `hear_channel` asked for."""
        await self._ask(
            "DELETE", "applications", self.app, "subscription", eventSource=f"channel:{channel}"
        )

    async def answer(self, channel: str) -> None:
        await self._ask("POST", "channels", channel, "answer")

    async def ring(self, channel: str) -> None:
        """Tell the caller that it rings (180)."""
        await self._ask("POST", "channels", channel, "ring")

    async def ring_stop(self, channel: str) -> None:
        await self._ask("DELETE", "channels", channel, "ring")

    async def hangup(self, channel: str, cause: int = 16) -> None:
        """Hang up with a Q.850 cause: 16 normal, 17 busy, 1 unassigned number, 21 refused."""
        await self._ask("DELETE", "channels", channel, reason_code=cause)

    async def give_to_phones(self, channel: str) -> None:
        """Give a caller to the dialplan, which rings the phones without us.

        His deadline is made to run out: that works whatever his channel is doing, and at once.
        ARI's `continue` waits until a sound or a recording is over (Asterisk 22.10); it is for an
        Asterisk that does not know the function EXPORT.
        """
        try:
            await self.set_global(deadline_of(channel), "0.1")
        except AriRefused:
            await self._go_on(channel, FAILSAFE, FAILSAFE_EXTENSION)

    async def refuse(self, channel: str, code: int, cause: int) -> bool:
        """Have the dialplan end a call by SIP status; False where it cannot: an older one of ours.

        Where Asterisk knows no PJSIPHangup, or the call is not SIP, it ends by the Q.850 cause.
        """
        extension = refusal(code, cause)
        if not await self._has(channel, REFUSE, extension):
            return False
        await self._go_on(channel, REFUSE, extension)
        return True

    async def redirect(self, channel: str, uri: str) -> None:
        """Send a SIP call elsewhere: 302 before the answer, REFER after it.

        Nothing tells whether that was accepted but that the channel then leaves us. `uri` must be a
        sound sip: or sips: URI: Asterisk 22.10 crashes on tel:.
        """
        await self._ask("POST", "channels", channel, "redirect", endpoint=f"PJSIP/{uri}")

    async def refer(self, channel: str, uri: str) -> bool:
        """Have the dialplan send an answered call elsewhere; False where it cannot: an older one.

        The channel leaves us, and comes back when that fails. `uri` as for `redirect`.
        """
        if not await self._has(channel, AWAY, AWAY_EXTENSION):
            return False
        await self._ask("POST", "channels", channel, "variable", variable=AWAY_TO, value=uri)
        await self._go_on(channel, AWAY, AWAY_EXTENSION)
        return True

    async def _go_on(self, channel: str, context: str, extension: str) -> None:
        """Let a channel leave our application and go on in the dialplan."""
        await self._ask(
            "POST",
            *("channels", channel, "continue"),
            context=context,
            extension=extension,
            priority=1,
        )

    async def variable(self, channel: str, name: str) -> str:
        """A channel variable or dialplan function, "" where it is not set."""
        try:
            found = await self._ask("GET", "channels", channel, "variable", variable=name)
        except AriGone:
            return ""
        return str(found["value"])

    async def received(self, channel: str) -> int:
        """How many packets of sound and keys a SIP channel has received (chan_pjsip). AriError for
        a channel of another kind."""
        found = await self._ask("GET", "channels", channel, "rtp_statistics")
        return int(found["rxcount"])

    async def set_global(self, name: str, value: str) -> None:
        """Set a global variable or dialplan function."""
        await self._ask("POST", "asterisk", "variable", variable=name, value=value)

    async def create(
        self,
        channel: str,
        endpoint: str,
        args: str,
        deadline: float,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Make a channel to a phone without ringing it yet; Asterisk ends it after `deadline` s.

        `variables` are set on it; a dialplan function takes its value as it is, whatever is in it.
        """
        await self._ask(
            "POST",
            "channels",
            "create",
            body={"variables": {DEADLINE: f"{deadline:.0f}", **(variables or {})}},
            endpoint=endpoint,
            app=self.app,
            appArgs=args,
            channelId=channel,
        )

    async def dial(self, channel: str, seconds: float, caller: str) -> None:
        """Ring a channel made by `create` for so long, on behalf of the channel `caller`."""
        await self._ask(
            "POST", "channels", channel, "dial", timeout=max(1, round(seconds)), caller=caller
        )

    async def music(self, channel: str, kind: str) -> None:
        """Play music of a class of music on hold, until `music_stop`."""
        await self._ask("POST", "channels", channel, "moh", mohClass=kind)

    async def music_stop(self, channel: str) -> None:
        await self._ask("DELETE", "channels", channel, "moh")

    async def silence(self, channel: str) -> None:
        """Send a channel silence, a frame each 20 ms."""
        await self._ask("POST", "channels", channel, "silence")

    async def snoop(self, channel: str, snoop: str, args: str) -> None:
        """Make a channel that hears what comes in on `channel`."""
        await self._ask(
            "POST",
            "channels",
            channel,
            "snoop",
            snoop,
            spy="in",
            app=self.app,
            appArgs=args,
        )

    async def external_media(self, channel: str, host: str) -> tuple[str, int]:
        """Make a channel that sends its audio to `host` ("127.0.0.1:40000") as G.711 mu-law RTP.

        Returns the address (host, port) from which the packets will come.
        """
        made = await self._ask(
            "POST",
            *("channels", "externalMedia"),
            app=self.app,
            external_host=host,
            format="ulaw",
            channelId=channel,
        )
        told = (made or {}).get("channelvars") or {}  # newer Asterisks answer with them
        address, port = [
            str(told.get(name) or await self.variable(channel, name))
            for name in ("UNICASTRTP_LOCAL_ADDRESS", "UNICASTRTP_LOCAL_PORT")
        ]
        return address, int(port or 0)

    # Bridges ---------------------------------------------------------------------------------

    async def create_bridge(self, bridge: str) -> None:
        await self._ask("POST", "bridges", type="mixing", bridgeId=bridge)

    async def add_to_bridge(self, bridge: str, *channels: str) -> None:
        await self._ask("POST", "bridges", bridge, "addChannel", channel=",".join(channels))

    async def destroy_bridge(self, bridge: str) -> None:
        await self._ask("DELETE", "bridges", bridge)

    async def bridges(self) -> list[dict[str, Any]]:
        return list(await self._ask("GET", "bridges"))

    # Playbacks and recordings ----------------------------------------------------------------

    async def play(
        self, channel: str, playback: str, media: tuple[str, ...], offset: float = 0.0
    ) -> None:
        """Play media URIs ("sound:/path/without/extension") one after the other; of the first, what
        comes after `offset` seconds."""
        await self._ask(
            "POST",
            *("channels", channel, "play", playback),
            media=",".join(media),
            offsetms=round(1000 * offset) or None,
        )

    async def stop_playback(self, playback: str) -> None:
        await self._ask("DELETE", "playbacks", playback)

    async def record(self, channel: str, name: str, limit: float, silence: float, end: str) -> None:
        """Record what comes in on a channel, as 8 kHz WAV, for `limit` seconds at most."""
        await self._ask(
            "POST",
            "channels",
            channel,
            "record",
            name=name,
            format="wav",
            maxDurationSeconds=round(limit),
            maxSilenceSeconds=round(silence),
            ifExists="overwrite",
            beep="false",
            terminateOn=end,
        )

    async def stop_recording(self, name: str) -> None:
        """Stop a recording and keep what there is."""
        await self._ask("POST", "recordings", "live", name, "stop")

    async def stored_recordings(self) -> list[str]:
        return [str(item["name"]) for item in await self._ask("GET", "recordings", "stored")]

    async def fetch_recording(self, name: str, to: Path) -> None:
        """Write a stored recording to a file. Raises DiskError where it cannot be written."""
        await self._fetch(f"recording {name}", to, "recordings", "stored", name, "file")

    async def delete_recording(self, name: str) -> None:
        await self._ask("DELETE", "recordings", "stored", name)
