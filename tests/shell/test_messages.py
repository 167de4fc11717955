"""Messages in boxes: found wherever they lie, marked, and neither lost nor unmarked by a move."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from screener.core.delivery import Record, State, as_json
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.mail.spool import Spool
from screener.messages.inbox import Messages
from tests.shell.post import LETTER

SENDER = "door@example.org"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def spool(root: Path) -> Spool:
    return Spool(root)


@pytest.fixture
def messages(root: Path) -> Messages:
    return Messages(root)


def moved(root: Path, name: str, before: State, after: State) -> None:
    (root / before / name).rename(root / after / name)


def written(root: Path, name: str, state: State, minutes: int, box: str = "office") -> None:
    """A message's folder as it lies on disk, without its sound."""
    letter = replace(LETTER, box=box, when=LETTER.when + timedelta(minutes=minutes))
    folder = root / state / name
    folder.mkdir(parents=True)
    record = Record.begun(name, letter, SENDER, letter.when)
    (folder / "letter.json").write_text(as_json(record), encoding="ascii")


def test_a_box_holds_its_own_newest_first(root: Path, messages: Messages) -> None:
    written(root, "a", State.SENT, 1)
    written(root, "b", State.QUEUED, 3)
    written(root, "c", State.FAILED, 2)
    written(root, "d", State.QUEUED, 4, box="home")
    assert [kept.id for kept in messages.in_box("office")] == ["b", "c", "a"]
    assert [kept.id for kept in messages.all()] == ["d", "b", "c", "a"]
    [kept] = messages.in_box("home")
    assert (kept.seconds, kept.state, kept.folder) == (2.0, State.QUEUED, root / "queued" / "d")
    assert kept.new
    assert messages.in_box("attic") == []


def test_there_are_none_before_the_first_is_kept(messages: Messages) -> None:
    assert messages.all() == []


@pytest.mark.parametrize("state", list(State))
def test_marks_go_where_the_message_goes(
    spool: Spool, root: Path, messages: Messages, audio: Path, state: State
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    messages.mark_heard(name)
    if state is not State.QUEUED:
        moved(root, name, State.QUEUED, state)
    [kept] = messages.in_box("office")
    assert (kept.state, kept.heard, kept.removed, kept.new) == (state, True, False, False)


def test_what_was_removed_is_hidden_and_mailed_all_the_same(
    spool: Spool, root: Path, messages: Messages, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    messages.remove(name)
    messages.remove(name)
    assert messages.in_box("office") == []
    assert [kept.removed for kept in messages.all()] == [True]
    assert (root / "queued" / name / "audio.wav").read_bytes() == audio.read_bytes()
    messages.bring_back(name)
    messages.bring_back(name)
    [kept] = messages.in_box("office")
    assert kept.new


@pytest.mark.parametrize("name", ["", "..", "../sent/a", "nothing", "a/../a", "a\n", "a" * 4096])
def test_only_what_is_there_can_be_marked(root: Path, messages: Messages, name: str) -> None:
    written(root, "a", State.SENT, 1)
    assert messages.get(name) is None
    for mark in (messages.mark_heard, messages.remove, messages.bring_back):
        with pytest.raises(OutboxError, match="there is no message"):
            mark(name)
    assert [path.name for path in (root / "sent" / "a").iterdir()] == ["letter.json"]


def test_notices_and_what_cannot_be_read_are_no_messages(
    spool: Spool, root: Path, messages: Messages
) -> None:
    spool.keep(None, Notice(("mom@example.org",), "a mistake", ()), SENDER)
    written(root, "b", State.QUEUED, 1)
    (root / "queued" / "b" / "letter.json").write_text("{}", encoding="ascii")
    (root / "sent" / "c").mkdir()
    (root / "sent" / "stray").write_text("", encoding="ascii")
    assert messages.all() == []
    assert messages.get("b") is None


def test_a_message_that_moves_on_while_we_look_is_found_where_it_went(
    root: Path, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(root, "a", State.QUEUED, 1)
    for state in State:
        (root / state).mkdir(exist_ok=True)
    read = Path.read_text
    moves = iter([State.SENT, State.FAILED, State.QUEUED])
    at = [State.QUEUED]

    def move_first(path: Path, *args: str, **named: str) -> str:
        if (to := next(moves, None)) is not None:
            moved(root, "a", at[-1], to)
            at.append(to)
        return read(path, *args, **named)

    monkeypatch.setattr(Path, "read_text", move_first)
    [kept] = messages.in_box("office")
    assert kept.folder == root / at[-1] / "a"
    assert len(at) == 4


def test_a_message_that_is_deleted_while_we_look_is_gone(
    root: Path, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(root, "a", State.SENT, 1)
    written(root, "b", State.SENT, 2)
    read = Path.read_text

    def sweep_first(path: Path, *args: str, **named: str) -> str:
        if path.parent.name == "a":
            path.unlink()
            path.parent.rmdir()
        return read(path, *args, **named)

    monkeypatch.setattr(Path, "read_text", sweep_first)
    assert [kept.id for kept in messages.all()] == ["b"]


def test_marks_and_lists_hold_while_messages_move_all_the_time(
    root: Path, messages: Messages
) -> None:
    names = [f"m{n}" for n in range(20)]
    for n, name in enumerate(names):
        written(root, name, State.QUEUED, n)
    for state in State:
        (root / state).mkdir(exist_ok=True)
    over = threading.Event()

    def move() -> None:
        while not over.is_set():
            for name in names:
                moved(root, name, State.QUEUED, State.FAILED)
            for name in names:
                moved(root, name, State.FAILED, State.QUEUED)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        marks: list[Callable[[str], None]] = [messages.mark_heard, messages.remove]
        for mark in marks:
            for name in names:
                mark(name)
    finally:
        over.set()
        mover.join()
    assert [(kept.heard, kept.removed) for kept in messages.all()] == [(True, True)] * 20


def test_several_threads_may_look_at_once(root: Path, messages: Messages) -> None:
    for n in range(200):
        written(root, f"m{n}", State.SENT, n)
    with ThreadPoolExecutor(4) as threads:
        looks = [threads.submit(messages.all) for _ in range(40)]
        for n in range(200, 240):
            written(root, f"m{n}", State.SENT, n)
    assert all(len(look.result()) >= 200 for look in looks)
    assert len(messages.all()) == 240


def test_a_thousand_messages_are_each_read_once(
    root: Path, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1000):
        written(root, f"m{n}", State.SENT if n % 3 else State.QUEUED, n)
    read, asked = Path.read_text, []

    def counted(path: Path, *args: str, **named: str) -> str:
        asked.append(path)
        return read(path, *args, **named)

    monkeypatch.setattr(Path, "read_text", counted)
    assert len(messages.in_box("office")) == 1000
    assert len(asked) == len(set(asked)) == 1000
    messages.mark_heard("m7")
    again = messages.all()
    assert (len(again), [kept.id for kept in again if kept.heard]) == (1000, ["m7"])
    assert len(asked) == 1000  # none of them was read anew
