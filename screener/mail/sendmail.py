"""Handing a mail to the sendmail program of this machine: Postfix, Exim, msmtp and others have one.

It is run once for each recipient, so that each has an answer of his own. Its exit status says what
became of the mail (core/reply.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from screener.core.callerid import shown
from screener.core.delivery import Answers, Delivery
from screener.core.reply import of_program
from screener.mail.parcel import Parcel

SECONDS = 300.0  # for one recipient
_OURS = "SCREENER_"  # what our own settings in the environment begin with: passwords are there


def hand_over(program: str, sender: str, to: Sequence[str], parcel: Parcel) -> Answers:
    """Each recipient's answer. Raises OSError when the program cannot be run, or the sound cannot
    be read; then nothing was accepted."""
    answers: dict[str, tuple[Delivery, str]] = {}
    # All of it lies there before the program runs: killed at any time, we leave no half mail that
    # ends like a whole one, and nobody waits for a program that does not read.
    with tempfile.TemporaryFile() as mail:
        for piece in parcel.pieces():
            mail.write(piece.replace(b"\r\n", b"\n"))  # the line ends that programs here have
        for address in to:
            mail.seek(0)
            try:
                answers[address] = _hand_over(program, sender, address, mail)
            except OSError as error:
                if not answers:
                    raise
                answers[address] = (Delivery.WAITING, str(error))
    return answers


def _hand_over(program: str, sender: str, address: str, mail: IO[bytes]) -> tuple[Delivery, str]:
    # -oi: a line of one dot does not end the mail. After --, no address is taken for an option.
    command = [program, "-oi", "-f", sender, "--", address]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    with tempfile.TemporaryFile() as complaints:
        run = subprocess.Popen(
            command,
            stdin=mail,
            stdout=complaints,
            stderr=complaints,
            env=environment,
            start_new_session=True,
        )
        try:
            status = run.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)  # with what it has started, that would still send
            status = run.wait()
        return of_program(program, status, _last_line(complaints))


def _last_line(complaints: IO[bytes]) -> str:
    end = complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, end - 2000))
    lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
    return shown(lines[-1], 300) if lines else ""
