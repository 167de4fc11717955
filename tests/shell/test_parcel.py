"""A mail in pieces: byte for byte what the email package would have made in one."""

import tracemalloc
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from screener.mail.parcel import Parcel, room


def mail(sound: bytes, text: str = "a line\n.\n..two\nFrom here\n") -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "a message"
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(f"<p>{text}</p>", subtype="html", cte="quoted-printable")
    mail.add_attachment(sound, maintype="audio", subtype="mpeg", filename="a.mp3")
    mail.set_boundary("=-0-17")
    next(iter(mail.iter_parts())).set_boundary("=-1-17")
    return mail


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    length=st.one_of(
        st.integers(1, 400), st.integers(57 * 1024 - 3, 57 * 1024 + 60), st.just(57 * 2048)
    ),
    byte=st.binary(min_size=1, max_size=40),
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200),
)
def test_the_pieces_are_the_mail(tmp_path: Path, length: int, byte: bytes, text: str) -> None:
    sound = (byte * (length // len(byte) + 1))[:length]
    file = tmp_path / "a.mp3"
    file.write_bytes(sound)
    parcel = Parcel.of(mail(b"", text), file)
    whole = mail(sound, text).as_bytes()
    assert b"".join(parcel.pieces()) == whole
    assert parcel.size == len(whole)
    assert all(piece.endswith(b"\r\n") for piece in parcel.pieces())


def test_a_mail_without_a_sound_is_one_piece() -> None:
    plain = EmailMessage(policy=SMTP)
    plain.set_content("hello")
    parcel = Parcel.of(plain)
    assert list(parcel.pieces()) == [plain.as_bytes()]
    assert parcel.size == len(plain.as_bytes())


def test_a_sound_of_no_bytes_is_no_message(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").touch()
    with pytest.raises(ValueError, match=r"a\.mp3 is empty"):
        Parcel.of(mail(b""), tmp_path / "a.mp3")


def test_a_mail_that_has_its_sound_already_is_not_given_another(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"x")
    with pytest.raises(ValueError, match="empty attachment"):
        Parcel.of(mail(b"sound"), tmp_path / "a.mp3")


@pytest.mark.parametrize("now", [b"shorter", b"x" * 200_000])
def test_a_file_that_has_changed_does_not_come_to_its_end(tmp_path: Path, now: bytes) -> None:
    """So the mail is not ended, and no server takes it for whole."""
    file = tmp_path / "a.mp3"
    file.write_bytes(b"x" * 100_000)
    parcel = Parcel.of(mail(b""), file)
    file.write_bytes(now)
    told = b""
    with pytest.raises(OSError, match="has changed"):
        for piece in parcel.pieces():
            told += piece
    assert parcel.tail not in told


def test_an_hours_message_needs_no_more_memory_than_a_minutes(tmp_path: Path) -> None:
    def most(size: int) -> int:
        file = tmp_path / "a.mp3"
        file.write_bytes(bytes(size))
        parcel = Parcel.of(mail(b""), file)
        tracemalloc.start()
        try:
            for _ in parcel.pieces():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    minute, hour = most(240_000), most(14_400_000)
    assert hour < 1.5 * minute
    assert hour < 1_000_000


@given(largest=st.integers(0, 10**8), around=st.integers(0, 10**5))
def test_what_there_is_room_for_fits(largest: int, around: int) -> None:
    length = room(largest, around)
    assert length >= 0
    if length:
        assert Parcel(b"x" * around, Path("a"), length).size <= largest
        assert Parcel(b"x" * around, Path("a"), length + 58).size > largest
