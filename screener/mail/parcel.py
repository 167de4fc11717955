"""A mail as it is handed over: a piece at a time, so that memory does not grow with its sound.

The email package composes the mail with an empty attachment; the sound is encoded (base64, RFC 2045
6.8) from its file while it is sent. What comes out is what the package itself would have made.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Self

_LINE = 57  # bytes that make a line of 76 characters
_PIECE = _LINE * 1024


@dataclass(frozen=True, slots=True)
class Parcel:
    """A mail whose lines end in CRLF: `head`, then the `sound` of `length` bytes, then `tail`.

    Where `sound` is None, all of it is `head`.
    """

    head: bytes
    sound: Path | None = None
    length: int = 0
    tail: bytes = b""

    @classmethod
    def of(cls, mail: EmailMessage, sound: Path | None = None) -> Self:
        """The mail; its last attachment, which is empty, is this file. Raises OSError.

        A sound of no bytes is no message: ValueError.
        """
        whole = mail.as_bytes()
        if sound is None:
            return cls(whole)
        length = sound.stat().st_size
        if not length:
            raise ValueError(f"{sound.name} is empty")
        tail = f"\r\n--{mail.get_boundary()}--\r\n".encode("ascii")
        if not whole.endswith(b"\r\n\r\n" + tail):
            raise ValueError("the mail does not end in an empty attachment")
        return cls(whole.removesuffix(tail), sound, length, tail)

    @property
    def size(self) -> int:
        """How many bytes it has, as RFC 1870 counts them."""
        lines, rest = divmod(self.length, _LINE)
        encoded = 78 * lines + (4 * -(-rest // 3) + 2 if rest else 0)
        return len(self.head) + encoded + len(self.tail)

    def pieces(self) -> Iterator[bytes]:
        """The mail, in pieces of whole lines. Raises OSError when the file cannot be read, or has
        changed since."""
        yield self.head
        if self.sound is None:
            return
        left = self.length
        with self.sound.open("rb") as file:
            while piece := file.read(_PIECE):
                left -= len(piece)
                yield encodebytes(piece).replace(b"\n", b"\r\n")
        if left:
            raise OSError(f"{self.sound.name} has changed while it was being sent")
        yield self.tail


def room(largest: int, around: int) -> int:
    """How large a sound may be in a mail of `largest` bytes that has `around` bytes without it."""
    return max(0, (largest - around) // 78 * _LINE)
