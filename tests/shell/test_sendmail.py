"""Mails handed to a sendmail program: a real one, that writes down what it was given."""

import json
import os
import signal
import stat
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from screener.core.delivery import Answers, Delivery
from screener.mail import sendmail
from screener.mail.parcel import Parcel
from screener.settings.surroundings import MAIL_PASSWORD

MOM, DAD = "mom@example.org", "dad@example.org"
PROGRAM = """#!{python} -I
import json, os, sys
folder = {folder!r}
content = sys.stdin.buffer.read()
number = len(os.listdir(folder))
with open(f"{{folder}}/{{number}}.json", "w") as file:
    json.dump({{"argv": sys.argv[1:], "mail": content.decode("latin-1"),
               "environment": dict(os.environ)}}, file)
{code}
"""


def program(tmp_path: Path, code: str = "") -> str:
    """A sendmail; what it was given lies in `runs`."""
    (tmp_path / "runs").mkdir(exist_ok=True)
    path = tmp_path / "sendmail"
    path.write_text(PROGRAM.format(python=sys.executable, folder=str(tmp_path / "runs"), code=code))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def runs(tmp_path: Path) -> list[dict[str, str | list[str] | dict[str, str]]]:
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "runs").iterdir())]


def parcel(tmp_path: Path, sound: bytes = b"sound" * 50_000) -> tuple[Parcel, bytes]:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "a message"
    mail.set_content("one line\n.\n.and another\n", cte="quoted-printable")
    mail.add_attachment(b"", maintype="audio", subtype="mpeg", filename="a.mp3")
    mail.set_boundary("=-17")
    (tmp_path / "a.mp3").write_bytes(sound)
    parcel = Parcel.of(mail, tmp_path / "a.mp3")
    return parcel, b"".join(parcel.pieces())


def hand_over(tmp_path: Path, code: str = "", to: tuple[str, ...] = (MOM,)) -> Answers:
    mail, _ = parcel(tmp_path)
    return sendmail.hand_over(program(tmp_path, code), "door@example.org", to, mail)


def test_it_has_the_whole_mail_and_a_run_for_each_recipient(tmp_path: Path) -> None:
    mail, whole = parcel(tmp_path)
    path = program(tmp_path)
    answers = sendmail.hand_over(path, "door@example.org", (MOM, DAD), mail)
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.ACCEPTED, f"taken by {path}"))
    first, second = runs(tmp_path)
    assert first["argv"] == ["-oi", "-f", "door@example.org", "--", MOM]
    assert second["argv"] == ["-oi", "-f", "door@example.org", "--", DAD]
    assert first["mail"] == whole.replace(b"\r\n", b"\n").decode("latin-1")


def test_it_learns_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MAIL_PASSWORD, "secret")
    hand_over(tmp_path)
    [run] = runs(tmp_path)
    environment = run["environment"]
    assert isinstance(environment, dict)
    assert MAIL_PASSWORD not in environment
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("code", "delivery", "told"),
    [
        ("sys.exit(75)", Delivery.WAITING, "ended with status 75 (EX_TEMPFAIL)"),
        ("os.kill(os.getpid(), 9)", Delivery.WAITING, "was killed by signal 9"),
        ("sys.exit(67)", Delivery.REFUSED, "ended with status 67 (EX_NOUSER)"),
    ],
)
def test_its_exit_status_is_the_answer(
    tmp_path: Path, code: str, delivery: Delivery, told: str
) -> None:
    answer = hand_over(tmp_path, code)[MOM]
    assert answer == (delivery, f"{tmp_path}/sendmail {told}")


def test_what_it_complains_of_is_told_in_one_harmless_line(tmp_path: Path) -> None:
    code = 'sys.stderr.write("warning\\nno such\\x1b user\\n"); sys.exit(67)'
    _, told = hand_over(tmp_path, code)[MOM]
    assert told.endswith("status 67 (EX_NOUSER): no such\\x1b user")


def test_each_recipient_has_an_answer_of_his_own(tmp_path: Path) -> None:
    answers = hand_over(tmp_path, f'sys.exit(67 if sys.argv[-1] == "{DAD}" else 0)', (MOM, DAD))
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert answers[DAD][0] is Delivery.REFUSED


def test_a_program_that_reads_nothing_is_judged_by_its_status(tmp_path: Path) -> None:
    path = tmp_path / "sendmail"
    path.write_text("#!/bin/sh\nexec <&-\necho full >&2\nexit 75\n")
    path.chmod(0o700)
    mail, _ = parcel(tmp_path)
    answers = sendmail.hand_over(str(path), "door@example.org", (MOM,), mail)
    assert answers[MOM] == (Delivery.WAITING, f"{path} ended with status 75 (EX_TEMPFAIL): full")


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendmail, "SECONDS", 0.5)
    answer = hand_over(tmp_path, "import time; time.sleep(3600)")[MOM]
    assert answer == (Delivery.WAITING, f"{tmp_path}/sendmail was killed by signal 9")


def test_a_program_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    mail, _ = parcel(tmp_path)
    with pytest.raises(FileNotFoundError):
        sendmail.hand_over(str(tmp_path / "gone"), "door@example.org", (MOM,), mail)


def test_half_a_mail_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    """The sound is cut short while it is sent: the program is killed before its input ends."""
    mail, _ = parcel(tmp_path)
    (tmp_path / "a.mp3").write_bytes(b"short")
    with pytest.raises(OSError, match="has changed"):
        sendmail.hand_over(program(tmp_path), "door@example.org", (MOM,), mail)
    assert runs(tmp_path) == []


def test_a_program_outlives_us_with_the_whole_mail(tmp_path: Path) -> None:
    """We are killed as soon as it runs, and it reads slowly: it has all the same."""
    mail, whole = parcel(tmp_path)
    path = tmp_path / "sendmail"
    path.write_text(
        f"#!{sys.executable} -I\nimport os, select, signal, sys\n"
        "us, stdin = os.getppid(), sys.stdin.buffer\n"
        "read = stdin.read(1000)\nos.kill(us, signal.SIGKILL)\n"
        f"open({str(tmp_path / 'running')!r}).read()\n"  # until we are no more
        f"read += stdin.read()\nopen({str(tmp_path / 'part')!r}, 'wb').write(read)\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'taken')!r})\n"
        f"os.close(os.open({str(tmp_path / 'done')!r}, os.O_WRONLY))\n"
    )
    path.chmod(0o700)
    os.mkfifo(tmp_path / "running")
    os.mkfifo(tmp_path / "done")
    us = os.fork()
    if not us:
        sendmail.hand_over(str(path), "door@example.org", (MOM,), mail)
        os._exit(0)
    _, status = os.waitpid(us, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    (tmp_path / "running").open("wb").close()
    (tmp_path / "done").read_bytes()
    assert (tmp_path / "taken").read_bytes() == whole.replace(b"\r\n", b"\n")


def test_what_a_program_that_hangs_has_started_is_ended_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper's child reads nothing, and keeps what it was given open."""
    monkeypatch.setattr(sendmail, "SECONDS", 0.5)
    os.mkfifo(tmp_path / "alive")
    path = tmp_path / "sendmail"
    path.write_text(f'#!/bin/sh\nsleep 3600 3> "{tmp_path}/alive"\nexit 0\n')
    path.chmod(0o700)
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    mail, _ = parcel(tmp_path)
    answers = sendmail.hand_over(str(path), "door@example.org", (MOM,), mail)
    assert answers[MOM] == (Delivery.WAITING, f"{path} was killed by signal 9")
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""  # its end: nobody holds it any more
    os.close(alive)


def test_whoever_has_it_does_not_get_it_again_when_the_program_is_gone(tmp_path: Path) -> None:
    answers = hand_over(tmp_path, "os.unlink(sys.argv[0])", (MOM, DAD))
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert answers[DAD][0] is Delivery.WAITING
    assert "No such file" in answers[DAD][1]


def test_an_address_is_never_taken_for_an_option(tmp_path: Path) -> None:
    hand_over(tmp_path, to=("-bs@example.org",))
    assert runs(tmp_path)[0]["argv"] == ["-oi", "-f", "door@example.org", "--", "-bs@example.org"]
