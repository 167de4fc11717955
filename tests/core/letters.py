"""Letters that tests read and mail: of a person, of a wanted robot, and what strangers write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from screener.core.letter import Letter, LetterKind, Link
from screener.core.rules import Action

LETTER = Letter(
    call=17,
    box="office",
    to=("mom@example.org", "dad@example.org"),
    number="+18055550142",
    name="Mom",
    did="+18182223333",
    when=datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC),
    seconds=42.2,
    why="nobody answered within 25 s",
)
UNTIL = datetime(2026, 12, 20, 22, 3, tzinfo=UTC)
LINKS = (
    Link(Action.ALLOW, "http://127.0.0.1:8190/let-in/AbC", UNTIL),
    Link(Action.BLOCK, "http://127.0.0.1:8190/block/DeF", UNTIL),
)
REMINDER = replace(
    LETTER,
    kind=LetterKind.ROBOT,
    number="+18665550142",
    name="WALGREENS RX",
    why="wanted robot: talked on over the prompt and spoke of prescription",
    transcript="this is a reminder from … your prescription is ready for pick up",
    confidence=0.824,
    links=LINKS,
)
HOSTILE = st.one_of(
    st.text(max_size=5000),
    st.text(
        st.sampled_from('\r\n\t\x00"<>@,;:\\()[]=?_ \u202e\u2066\u200d\ud800äé日ab'), max_size=90
    ),
    st.sampled_from(["=?utf-8?b?PGE+?=", "a" * 4096, "\r\n.\r\n", "\r\n\r\n<html>", "é" * 4096]),
)
