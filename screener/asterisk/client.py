"""ARI's requests, the ones that screener makes, typed. The words are ARI's own.

Every request has a time limit, and every failure is one of the AriErrors: a call never waits for an
Asterisk that does not answer. Source: Asterisk's rest-api/api-docs/*.json.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp

from screener.asterisk.dialplan import (
    AWAY,
    AWAY_EXTENSION,
    AWAY_TO,
    DEADLINE,
    FAILSAFE,
    FAILSAFE_EXTENSION,
    REFUSE,
    deadline_of,
    refusal,
)
from screener.errors import (
    AriDown,
    AriError,
    AriGone,
    AriNotInStasis,
    AriRefused,
    OutboxError,
)

# Asterisk on the same machine answers in a millisecond or two; one that takes this long is stuck.
TIMEOUT = 5.0
_DOWNLOAD_TIMEOUT = 120.0
_CHUNK = 65536


class Client:
    """One HTTP session with ARI. `url` is its base, "http://127.0.0.1:8088/ari"."""

    def __init__(self, url: str, user: str, secret: str, app: str) -> None:
        self.url = url.rstrip("/")
        self.app = app
        self._auth = aiohttp.BasicAuth(user, secret)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        self._session = aiohttp.ClientSession(
            auth=self._auth,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def events(self) -> aiohttp.ClientWebSocketResponse:
        """Open the event socket; from then on Asterisk hands us the calls of our application."""
        try:
            return await self._http.ws_connect(
                f"{self.url}/events", params={"app": self.app}, heartbeat=20.0
            )
        except aiohttp.WSServerHandshakeError as refused:
            raise _error(refused.status, "open the event socket", "") from refused
        except (aiohttp.ClientError, TimeoutError, OSError) as down:
            raise AriDown(f"no Asterisk answers at {self.url}: {down or 'timed out'}") from down

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AriDown("the connection to Asterisk is closed")
        return self._session

    async def _ask(
        self, method: str, *path: str, body: Mapping[str, Any] | None = None, **query: object
    ) -> Any:
        """One request. What it returns is ARI's JSON, or None for an answer without a body."""
        where = "/".join(quote(part, safe="") for part in path)
        params = {key: str(value) for key, value in query.items() if value is not None}
        try:
            async with self._http.request(
                method, f"{self.url}/{where}", params=params, json=body
            ) as answer:
                if answer.status >= 400:
                    raise _error(answer.status, f"{method} {where}", await answer.text())
                return await answer.json() if answer.content_length else None
        except (aiohttp.ClientError, TimeoutError, OSError) as down:
            what = str(down) or f"no answer in {TIMEOUT:.0f} s"
            raise AriDown(f"Asterisk at {self.url} cannot be reached: {what}") from down

    # Asterisk --------------------------------------------------------------------------------

    async def version(self) -> str:
        """Asterisk's version, "22.10.1"."""
        info = await self._ask("GET", "asterisk", "info", only="system")
        return str(info["system"]["version"])

    async def module_running(self, name: str) -> bool:
        """Whether a module is loaded and running."""
        try:
            module = await self._ask("GET", "asterisk", "modules", name)
        except (AriGone, AriNotInStasis):
            return False
        return bool(module["status"] == "Running")

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

    async def dialplan_has(self, context: str, extension: str = "s") -> bool:
        """Whether the dialplan has an extension in a context: s in "screener-door".

        Only a channel can be asked, so one is made, and taken away without being dialled. Needs the
        event socket, or our application would not be there to own it.
        """
        channel = f"check-{secrets.token_hex(8)}"
        await self.create(channel, f"Local/{extension}@{context}", "check", TIMEOUT)
        try:
            return await self._has(channel, context, extension)
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

    async def play(self, channel: str, playback: str, media: tuple[str, ...]) -> None:
        """Play media URIs ("sound:/path/without/extension") one after the other."""
        await self._ask("POST", "channels", channel, "play", playback, media=",".join(media))

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
        """Write a stored recording to a file, piece by piece: it may be an hour long.

        Raises OutboxError where the file cannot be written.
        """
        where = f"{self.url}/recordings/stored/{quote(name, safe='')}/file"
        timeout = aiohttp.ClientTimeout(total=_DOWNLOAD_TIMEOUT)
        try:
            async with self._http.get(where, timeout=timeout) as answer:
                if answer.status >= 400:
                    raise _error(answer.status, f"fetch recording {name}", "")
                with to.open("wb") as file:
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        await asyncio.to_thread(file.write, chunk)
        except (aiohttp.ClientError, TimeoutError) as down:
            raise AriDown(f"recording {name} could not be fetched: {down}") from down
        except OSError as disk:
            raise OutboxError(f"{to} cannot be written: {disk.strerror}: make room") from disk

    async def delete_recording(self, name: str) -> None:
        await self._ask("DELETE", "recordings", "stored", name)


def _error(status: int, what: str, text: str) -> AriError:
    detail = f"Asterisk answered {status} to {what}" + (f": {text[:200]}" if text else "")
    # addChannel says 400 of a channel that is no more, 404 only of the bridge.
    if status == 404 or (status == 400 and "Channel not found" in text):
        return AriGone(detail)
    if status in {409, 412, 422}:
        return AriNotInStasis(detail)
    if status in {401, 403}:
        return AriRefused(
            f"{detail}. Check asterisk.user and the ARI secret in screener.toml against ari.conf"
        )
    return AriRefused(detail)
