"""The private Asterisk: an ordinary process on loopback ports, configured by us, gone when we are.

    installation = install(tell)
    async with PrivateAsterisk(installation, settings, settings.data / "asterisk") as asterisk:
        ...                                 # asterisk.url is ARI's base

Each start writes the whole configuration anew. `start` returns when Asterisk answers on ARI and on
SIP. It runs in a process group of its own, so that Ctrl-C is ours to handle, and the kernel ends it
when the thread that started it dies (prctl(2), PR_SET_PDEATHSIG), however that happens.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from screener.asterisk.configuration import LOG, LOOPBACK, pjsip_phones, private_files
from screener.asterisk.installation import Installation
from screener.config import Settings
from screener.errors import InstallError

READY_TIMEOUT = 30.0
"""Seconds until Asterisk must answer; on two busy cores it takes one."""
STOP_TIMEOUT = 5.0
"""Seconds that a stopping Asterisk has to hang up its calls before it is killed."""
_POLL = 0.05
# A socket's path holds 107 bytes (unix(7)), and some of Asterisk's own buffers little more.
_LONGEST_FOLDER = 80

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# Ask the kernel to end us with our parent, see that he is not already gone, become Asterisk.
_LAUNCHER = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def phone_passwords(settings: Settings) -> Mapping[str, str]:
    """The SIP passwords of the private Asterisk's phones, by the name they register as.

    Made up once and kept in the data folder, in a file that only its owner can read.
    """
    path = settings.data / "phone-passwords.json"
    phones = pjsip_phones(settings)
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = {phone: secrets.token_urlsafe(15) for phone in phones if phone not in kept}
        if missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}-{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(kept | missing, indent=1) + "\n", encoding="utf-8")
            draft.replace(path)
    except (OSError, ValueError) as error:
        raise InstallError(
            f"the phones' passwords cannot be kept in {path}: {error}; make the folder writable,"
            " or delete the file if it is damaged"
        ) from error
    return {phone: (kept | missing)[phone] for phone in phones}


class PrivateAsterisk:
    """One private Asterisk in the folder `run` (made where missing).

    `contacts` are fixed SIP URIs of phones that do not register, by what follows "PJSIP/" in their
    endpoint. `extra_dialplan` is added to the end of extensions.conf as it is.
    """

    def __init__(
        self,
        installation: Installation,
        settings: Settings,
        run: Path,
        contacts: Mapping[str, str] | None = None,
        extra_dialplan: str = "",
    ) -> None:
        self.installation = installation
        self.settings = settings
        self.run = run.absolute()
        self.contacts = contacts or {}
        self.extra_dialplan = extra_dialplan
        self.url = f"http://{LOOPBACK}:{settings.asterisk.http_port}/ari"
        self.log = self.run / "log" / LOG
        self.sip_address = f"{LOOPBACK}:{settings.asterisk.sip_port}"
        self._process: Process | None = None
        self._alias: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id while Asterisk runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Write the configuration, start Asterisk, wait until it answers on ARI and on SIP.

        Raises InstallError: a port is taken, the folder cannot be written, or Asterisk gave up.
        """
        if self.pid is not None:
            raise InstallError("the private Asterisk is already running")
        self._check_ports()
        try:
            self._write()
            with (self.run / "log" / "console.log").open("wb") as console:
                launcher = (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()))
                configuration = str(self._short_folder() / "etc/asterisk.conf")
                self._process = await asyncio.create_subprocess_exec(
                    *launcher,
                    *self.installation.command,
                    *("-f", "-C", configuration),
                    cwd=self.run,
                    stdin=DEVNULL,
                    stdout=console,
                    stderr=console,
                    process_group=0,
                )
        except OSError as error:
            self._forget_alias()
            raise InstallError(
                f"the private Asterisk cannot be started in {self.run}: {error.strerror}"
            ) from error
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await self._ready()
        except TimeoutError as late:
            await self.stop()
            raise InstallError(
                f"the private Asterisk did not answer within {READY_TIMEOUT:.0f} s:"
                f" {self._telling()}"
            ) from late
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ask Asterisk to hang up its calls and end; after STOP_TIMEOUT seconds, end it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            self._process = None
        self._forget_alias()

    async def restart(self) -> None:
        """Kill it as a crash would, and start it again."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
        self._forget_alias()
        await self.start()

    # Starting --------------------------------------------------------------------------------

    def _check_ports(self) -> None:
        asterisk = self.settings.asterisk
        for key, port, kinds in (
            ("sip_port", asterisk.sip_port, (socket.SOCK_DGRAM, socket.SOCK_STREAM)),
            ("http_port", asterisk.http_port, (socket.SOCK_STREAM,)),
        ):
            for kind in kinds:
                with socket.socket(socket.AF_INET, kind) as probe:
                    if kind == socket.SOCK_STREAM:  # as Asterisk does it
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind((LOOPBACK, port))
                    except OSError as taken:
                        raise InstallError(
                            f"port {port} on {LOOPBACK} cannot be used ({taken.strerror}): end the"
                            f" program that has it, or give asterisk.{key} in"
                            f" {self.settings.path} another number"
                        ) from taken

    def _write(self) -> None:
        """Folders and files. They hold passwords: nobody else may look into them."""
        for folder in ("etc", "lib", "spool/recording", "log", "cache"):
            (self.run / folder).mkdir(parents=True, exist_ok=True)
        self.run.chmod(0o700)
        etc = self.run / "etc"
        for old in etc.glob("*.conf"):
            old.unlink()
        for file, text in private_files(
            self.installation,
            self.settings,
            self._short_folder(),
            passwords=phone_passwords(self.settings),
            contacts=self.contacts,
            extra_dialplan=self.extra_dialplan,
        ).items():
            (etc / file).write_text(text, encoding="utf-8")
        self.log.unlink(missing_ok=True)

    def _short_folder(self) -> Path:
        """`run`, or a short name for it where Asterisk could not deal with the real one."""
        if len(os.fsencode(self.run)) <= _LONGEST_FOLDER:
            return self.run
        if self._alias is None:
            self._alias = Path(tempfile.mkdtemp(prefix="screener-"))
            (self._alias / "run").symlink_to(self.run)
        return self._alias / "run"

    def _forget_alias(self) -> None:
        if self._alias is not None:
            shutil.rmtree(self._alias, ignore_errors=True)
            self._alias = None

    # Being ready -----------------------------------------------------------------------------

    async def _ready(self) -> None:
        await self._ari_answers()
        await self._sip_answers()

    def _still_there(self) -> None:
        if self.pid is None:
            raise InstallError(f"the private Asterisk ended at its start: {self._telling()}")

    async def _ari_answers(self) -> None:
        asterisk = self.settings.asterisk
        login = base64.b64encode(f"{asterisk.user}:{asterisk.secret}".encode()).decode("ascii")
        async with aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as http:
            while True:
                self._still_there()
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{self.url}/asterisk/info") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(_POLL)

    async def _sip_answers(self) -> None:
        """Send OPTIONS (RFC 3261, 11) until anything comes back."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)
            probe.bind((LOOPBACK, 0))
            port = self.settings.asterisk.sip_port
            ask = _options(port, probe.getsockname()[1])
            while True:
                self._still_there()
                await loop.sock_sendto(probe, ask, (LOOPBACK, port))
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    async with asyncio.timeout(0.3):
                        await loop.sock_recv(probe, 4096)
                        return
                await asyncio.sleep(_POLL)

    def _telling(self) -> str:
        """The lines in Asterisk's log that tell why: its errors, or the last that it said."""
        lines: list[str] = []
        for log in (self.log, self.run / "log" / "console.log"):
            with contextlib.suppress(OSError):
                lines += log.read_text(encoding="utf-8", errors="replace").splitlines()
        lines = [_COLOUR.sub("", line).strip() for line in lines]
        for mark in ("EXITING", "ERROR", ""):
            telling = [line for line in lines if line and mark in line]
            if telling:
                break
        return " | ".join(dict.fromkeys(telling[:5])) or f"it said nothing; see {self.run / 'log'}"


def _options(port: int, back: int) -> bytes:
    token = secrets.token_hex(8)
    return (
        f"OPTIONS sip:{LOOPBACK}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {LOOPBACK}:{back};branch=z9hG4bK{token};rport\r\n"
        f"From: <sip:ready@{LOOPBACK}>;tag={token}\r\nTo: <sip:{LOOPBACK}>\r\n"
        f"Call-ID: {token}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
    ).encode("ascii")
