"""One Asterisk process: our own child, or one that an earlier screener left running.

It is held by a pidfd (pidfd_open(2)): a process number that somebody else has by now is never
signalled, and we learn of the end of a process that is no child of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

# Ask the kernel to end us with our parent, see that he is not already gone, become Asterisk.
_LAUNCHER = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
_PROCESSES = Path("/proc")


class AsteriskProcess:
    """A process that runs, or ran. Made by `start` or `find`, in a running event loop."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.command = _command_of(pid)
        self._child = child
        self._handle: int | None = os.pidfd_open(pid)
        self._over = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._handle, self._ended)

    @classmethod
    def start(cls, command: Sequence[str], folder: Path, console: Path, *, outlives: bool) -> Self:
        """Run `command` in `folder`, what it prints going to `console`. Raises OSError.

        One that outlives us has a session of its own: it goes on when we die or our terminal is
        closed. Any other is ended by the kernel (prctl(2), PR_SET_PDEATHSIG) when the thread that
        started it dies, however that happens. Neither gets the Ctrl-C that is meant for us.
        """
        launcher = (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()))
        with console.open("wb") as output:
            child = subprocess.Popen(
                command if outlives else (*launcher, *command),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=outlives,
                process_group=None if outlives else 0,
            )
        return cls(child.pid, child)

    @classmethod
    def find(cls, ending: Sequence[str]) -> Self | None:
        """A process of this user whose command ends in these words."""
        last = tuple(ending)
        for entry in _PROCESSES.iterdir():
            if not entry.name.isdigit() or _command_of(int(entry.name))[-len(last) :] != last:
                continue
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if entry.stat().st_uid != os.getuid():
                    continue
                found = cls(int(entry.name))
                if found.command[-len(last) :] == last:  # the number was not given on meanwhile
                    return found
                found.leave()
        return None

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; to one that is over, nothing is sent."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    async def wait(self) -> None:
        """Return when the process has ended."""
        await self._over.wait()

    def leave(self) -> None:
        """Let it go on without us: from now on it is neither watched nor signalled."""
        if self._handle is not None:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _ended(self) -> None:
        self.leave()
        if self._child is not None:
            self._child.wait()
        self._over.set()


def _command_of(pid: int) -> tuple[str, ...]:
    """What a process was started with; nothing where it is gone, over, or hidden from us."""
    try:
        words = (_PROCESSES / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in words.split(b"\0")[:-1])
