"""An Asterisk with a dialplan of its own and no screener: to prove the callers and phones on, and
to measure against.

    async with PlainAsterisk(installation, dialplan, phones={"kitchen": kitchen.address}) as pbx:
        async with Caller(pbx.address, did="100") as call: ...

Calls come in at context `incoming`; a phone's redirect (302), followed by Dial(), in `redirected`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from screener.asterisk.installation import Installation
from tests.calls.sip import LOOPBACK, POLL, CallError, free_port

MODULES = (
    *("app_dial", "app_echo", "app_playback", "app_read", "app_stack", "app_userevent"),
    *("app_verbose", "app_playtones", "app_waitforsilence", "bridge_builtin_features"),
    *("bridge_simple", "bridge_softmix", "chan_pjsip", "codec_ulaw", "format_pcm", "format_wav"),
    *("func_callerid", "func_channel", "func_logic", "func_strings", "func_timeout", "pbx_config"),
    *("res_pjproject", "res_pjsip", "res_pjsip_caller_id", "res_pjsip_dtmf_info"),
    *("res_pjsip_endpoint_identifier_anonymous", "res_pjsip_endpoint_identifier_ip"),
    *(
        "res_pjsip_endpoint_identifier_user",
        "res_pjsip_header_funcs",
        "res_pjsip_outbound_registration",
    ),
    *(
        "res_pjsip_pubsub",
        "res_pjsip_rfc3326",
        "res_pjsip_sdp_rtp",
        "res_pjsip_session",
        "res_rtp_asterisk",
    ),
    *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_timing_pthread"),
)
FILES = {
    "asterisk.conf": """[directories]
astmoddir => {modules}
astvarlibdir => {data}
astdatadir => {data}
astetcdir => {home}/etc
astdbdir => {home}/db
astrundir => {home}/run
astlogdir => {home}/log
astspooldir => {home}/spool
[options]
verbose = 3
[files]
astctlpermissions = 0600
""",
    "logger.conf": "[logfiles]\nfull => notice,warning,error,verbose\n",
    "amd.conf": "[general]\n",
    "rtp.conf": "[general]\nrtpstart={rtp}\nrtpend={rtp_end}\nstrictrtp=yes\nicesupport=no\n",
    "pjsip.conf": """[udp]
type=transport
protocol=udp
bind={host}:{port}
[callers]
type=endpoint
context=incoming
disallow=all
allow=ulaw
dtmf_mode=rfc4733
direct_media=no
[callers]
type=identify
endpoint=callers
match={host}
{phones}""",
}
PHONE = """[{name}]
type=endpoint
context=redirected
aors={name}
disallow=all
allow=ulaw
dtmf_mode=rfc4733
direct_media=no
[{name}]
type=aor
contact=sip:{name}@{host}:{port}
"""


class PlainAsterisk:
    """A running Asterisk on ports of its own; `address` takes calls into context `incoming`.

    `more` are modules that it loads besides.
    """

    def __init__(
        self,
        installation: Installation,
        dialplan: str,
        *,
        phones: Mapping[str, tuple[str, int]] | None = None,
        rtp_ports: tuple[int, int] = (21000, 21998),
        more: tuple[str, ...] = (),
    ) -> None:
        self.address = (LOOPBACK, free_port())
        self._installation = installation
        self._dialplan = dialplan
        self._phones = phones or {}
        self._rtp_ports = rtp_ports
        self._more = more
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="asterisk-")))
        for folder in ("etc", "db", "run", "log", "spool"):
            (self.home / folder).mkdir()
        self._write()
        self._process = await asyncio.create_subprocess_exec(
            *self._installation.command,
            "-f",
            "-C",
            str(self.home / "etc/asterisk.conf"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self._until_ready()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._stack.aclose()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Everything Asterisk has logged, dialplan Verbose() and NoOp() included."""
        path = self.home / "log/full"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    async def logged(self, text: str, *, within: float) -> None:
        """Wait until Asterisk's log has this text."""
        for _ in range(round(within / POLL)):
            if text in self.log():
                return
            await asyncio.sleep(POLL)
        raise CallError(f"Asterisk did not log {text!r} within {within:g} s:\n{self.log()[-2000:]}")

    def _write(self) -> None:
        etc = self.home / "etc"
        phones = "".join(
            PHONE.format(name=name, host=host, port=port)
            for name, (host, port) in self._phones.items()
        )
        fields = {
            "modules": self._installation.modules,
            "data": self._installation.data,
            "home": self.home,
            "rtp": self._rtp_ports[0],
            "rtp_end": self._rtp_ports[1],
            "host": self.address[0],
            "port": self.address[1],
            "phones": phones,
        }
        for name, text in FILES.items():
            (etc / name).write_text(text.format(**fields), encoding="utf-8")
        (etc / "extensions.conf").write_text(self._dialplan, encoding="utf-8")
        loads = "\n".join(f"load = {module}.so" for module in (*MODULES, *self._more))
        (etc / "modules.conf").write_text(f"[modules]\nautoload=no\n{loads}\n", encoding="utf-8")

    async def _until_ready(self) -> None:
        assert self._process is not None
        for _ in range(4000):
            if "Asterisk Ready" in self.log():
                return
            if self._process.returncode is not None:
                break
            await asyncio.sleep(POLL)
        raise CallError(f"Asterisk did not start:\n{self.log()[-2000:]}")
