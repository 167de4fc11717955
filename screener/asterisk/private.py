"""The private Asterisk: an ordinary process on loopback ports, configured by us.

    private = PrivateAsterisk(install(tell), settings, settings.data / "asterisk", outlives=True)
    async with private.kept():
        ...                                 # private.url is ARI's base

`start` returns when Asterisk answers on ARI and on SIP. Leaving the block stops it. What happens
when we do not come to that is `outlives`:

- False (tests, the demo): the kernel ends it together with us.
- True (`screener run`): it goes on, and its dialplan rings the phones (promise 1). The next `start`
  in the same folder takes it over, its calls with it, if it answers and is what would be started
  now; else it is ended and started anew. One that dies while we run is started again by `kept`.

Under systemd this needs KillMode=process, or what is left of the unit is killed with us.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from screener import replacement
from screener.asterisk.configuration import LOG, LOOPBACK, pjsip_phones, private_files
from screener.asterisk.installation import Installation
from screener.asterisk.process import AsteriskProcess
from screener.asterisk.readiness import answers, telling
from screener.config import Settings
from screener.errors import InstallError, SetupError

log = logging.getLogger(__name__)

READY_TIMEOUT = 30.0
"""Seconds until Asterisk must answer; on two busy cores it takes one."""
ADOPTION_TIMEOUT = 10.0
"""The same for one that was left running: it may have been left while it was starting."""
STOP_TIMEOUT = 5.0
"""Seconds that a stopping Asterisk has to hang up its calls before it is killed."""
# One that died is started again after the first pause, then after twice as long, and so on. One
# that ran for `_STEADY` seconds before it died counts as well.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_STEADY = 60.0
# A socket's path holds 107 bytes (unix(7)), and some of Asterisk's own buffers little more.
_LONGEST_FOLDER = 80


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
            text = json.dumps(kept | missing, indent=1) + "\n"
            replacement.write(path, text, mode=0o600, shared=True)
    except (OSError, ValueError) as error:
        raise InstallError(
            f"the phones' passwords cannot be kept in {path}: {error}; make the folder writable,"
            " or delete the file if it is damaged"
        ) from error
    return {phone: (kept | missing)[phone] for phone in phones}


class PrivateAsterisk:
    """One private Asterisk in the folder `run` (made where missing).

    `contacts` are fixed SIP URIs of phones that do not register, by what follows "PJSIP/" in their
    endpoint. `extra_dialplan` and `extra_pjsip` are added to the end of extensions.conf and
    pjsip.conf as they are. `outlives`: see the module. `tell` is given a sentence when one that was
    left running is found.
    """

    def __init__(
        self,
        installation: Installation,
        settings: Settings,
        run: Path,
        contacts: Mapping[str, str] | None = None,
        *,
        extra_dialplan: str = "",
        extra_pjsip: str = "",
        outlives: bool = False,
        tell: Callable[[str], None] = log.info,
    ) -> None:
        self.installation = installation
        self.settings = settings
        self.run = run.absolute()
        self.contacts = contacts or {}
        self.extra_dialplan = extra_dialplan
        self.extra_pjsip = extra_pjsip
        self.outlives = outlives
        self.url = f"http://{LOOPBACK}:{settings.asterisk.http_port}/ari"
        self.log = self.run / "log" / LOG
        self.sip_address = f"{LOOPBACK}:{settings.asterisk.sip_port}"
        self._tell = tell
        self._process: AsteriskProcess | None = None
        self._alias: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id while Asterisk runs."""
        process = self._process
        return None if process is None or process.over else process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Whoever fails must not take along what rings the phones without him.
        if self.outlives and isinstance(error, Exception):
            self._leave()
        else:
            await self.stop()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[Self]:
        """Running for as long as the block lasts, and started again whenever it dies."""
        async with self:
            keeping = asyncio.create_task(self._keep())
            try:
                yield self
            finally:
                keeping.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeping

    async def start(self) -> None:
        """Write the configuration, start Asterisk, wait until it answers on ARI and on SIP.

        One that outlived an earlier screener is taken over instead, if it is fit. Raises
        InstallError: a port is taken, the folder cannot be written, or Asterisk gave up.
        """
        if self.pid is not None:
            raise InstallError("the private Asterisk is already running")
        try:
            files = self._files()
            if self.outlives and await self._adopted(files):
                return
            self._check_ports()
            self._write(files)
            console = self.run / "log" / "console.log"
            self._process = AsteriskProcess.start(
                self._command, self.run, console, outlives=self.outlives
            )
        except OSError as error:
            self._forget_alias()
            raise InstallError(
                f"the private Asterisk cannot be started in {self.run}: {error.strerror}"
            ) from error
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await answers(self.settings.asterisk, self._still_there)
        except TimeoutError as late:
            await self.stop()
            raise InstallError(
                f"the private Asterisk did not answer within {READY_TIMEOUT:.0f} s:"
                f" {telling(self.run / 'log')}"
            ) from late
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ask Asterisk to hang up its calls and end; after STOP_TIMEOUT seconds, end it."""
        await self._end(signal.SIGTERM)
        self._forget_alias()

    async def restart(self) -> None:
        """Kill it as a crash would, and start it again."""
        await self._end(signal.SIGKILL)
        await self.start()

    def directions(self) -> tuple[str, ...]:
        """How to call the front door from this machine, and how a phone is plugged in: lines."""
        did = next(iter(self.settings.doors), "s")
        uri = f"sip:{did}@{self.sip_address}"
        lines = [
            f"Call {uri} from any SIP program on this machine, for example:",
            f"    sipp -sn uac -m 1 -d 60000 -i {LOOPBACK} -s {did} {self.sip_address}",
            f'    baresip -e "/uanew <sip:+18055550142@{LOOPBACK}>;regint=0" -e "/dial {uri}"',
            f"A phone is a SIP account at {self.sip_address}:",
        ]
        passwords = phone_passwords(self.settings)
        widest = max(map(len, passwords), default=0)
        lines += [f"    user {u:{widest}}  password {word}" for u, word in passwords.items()]
        return tuple(lines)

    # Starting --------------------------------------------------------------------------------

    @property
    def _command(self) -> tuple[str, ...]:
        configuration = str(self._short_folder() / "etc/asterisk.conf")
        return (*self.installation.command, "-f", "-C", configuration)

    async def _adopted(self, files: Mapping[str, str]) -> bool:
        """Take over what an earlier screener left in our folder; if it is not fit, end it."""
        # "-f -C our-asterisk.conf": whichever Asterisk it is, it is ours.
        self._process = AsteriskProcess.find(self._command[-3:])
        if self._process is None:
            return False
        unfit = await self._unfit(self._process, files)
        who = f"the private Asterisk that was left running (process {self._process.pid})"
        if not unfit:
            self._tell(f"{who} is taken over, its calls with it")
            return True
        self._tell(f"{who} is ended and started anew: {unfit}")
        await self._end(signal.SIGTERM)
        return False

    async def _unfit(self, process: AsteriskProcess, files: Mapping[str, str]) -> str:
        """Why this process cannot serve as the one that would be started now; "" if it can."""
        if process.command != self._command:
            return "another Asterisk is installed now"
        there = {path.name: path.read_bytes() for path in (self.run / "etc").glob("*.conf")}
        if there != {name: text.encode() for name, text in files.items()}:
            return "its configuration has changed"
        try:
            async with asyncio.timeout(ADOPTION_TIMEOUT):
                await answers(self.settings.asterisk, self._still_there)
        except (TimeoutError, InstallError):
            return "it does not answer"
        return ""

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

    def _files(self) -> Mapping[str, str]:
        return private_files(
            self.installation,
            self.settings,
            self._short_folder(),
            passwords=phone_passwords(self.settings),
            contacts=self.contacts,
            extra_dialplan=self.extra_dialplan,
            extra_pjsip=self.extra_pjsip,
        )

    def _write(self, files: Mapping[str, str]) -> None:
        """Folders and files. They hold passwords: nobody else may look into them."""
        for folder in ("etc", "lib", "spool/recording", "log", "cache"):
            (self.run / folder).mkdir(parents=True, exist_ok=True)
        self.run.chmod(0o700)
        etc = self.run / "etc"
        for old in etc.glob("*.conf"):
            old.unlink()
        for file, text in files.items():
            (etc / file).write_text(text, encoding="utf-8")
        if self.log.exists():  # it may tell why the last one died
            self.log.replace(self.log.with_suffix(".before.log"))

    def _short_folder(self) -> Path:
        """`run`, or a short name for it where Asterisk could not deal with the real one.

        The same name each time, so that one that was left running is known by it.
        """
        if len(os.fsencode(self.run)) <= _LONGEST_FOLDER:
            return self.run
        if self._alias is None:
            name = hashlib.sha256(os.fsencode(self.run)).hexdigest()[:16]
            alias = Path(tempfile.gettempdir(), f"screener-{os.getuid()}-{name}")
            alias.mkdir(mode=0o700, exist_ok=True)
            what = alias.lstat()
            if not stat.S_ISDIR(what.st_mode) or what.st_uid != os.getuid():
                raise InstallError(f"{alias} is not ours: delete it, or set TMPDIR to your own")
            link = alias / "run"
            if not link.is_symlink():
                link.symlink_to(self.run)
            self._alias = alias
        return self._alias / "run"

    def _forget_alias(self) -> None:
        if self._alias is not None:
            shutil.rmtree(self._alias, ignore_errors=True)
            self._alias = None

    # Going on and ending ---------------------------------------------------------------------

    async def _keep(self) -> None:
        """Start it again whenever it dies, until cancelled."""
        clock = asyncio.get_running_loop().time
        pause = _FIRST_PAUSE
        while True:
            began = clock()
            if self._process is not None:
                await self._process.wait()
            if clock() - began > _STEADY:
                pause = _FIRST_PAUSE
            log.error("the private Asterisk is dead; it is started again in %.1f s", pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await self.start()
                log.warning("the private Asterisk runs again (process %d)", self.pid)
            except SetupError as error:
                log.error("%s", error)

    def _still_there(self) -> None:
        if self.pid is None:
            raise InstallError(
                f"the private Asterisk ended at its start: {telling(self.run / 'log')}"
            )

    async def _end(self, by: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        process.send(by)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.send(signal.SIGKILL)
            await process.wait()
        self._process = None

    def _leave(self) -> None:
        """Let it go on without us."""
        if self._process is not None and not self._process.over:
            self._tell(
                f"the private Asterisk goes on and rings the phones (process {self._process.pid});"
                " `screener run` takes it over again"
            )
            self._process.leave()
        self._process = None
