"""Number lists on disk: what files they are made from, and that nothing breaks the old one."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screener.core.numberlist import Numbers
from screener.errors import ListError
from screener.numberlists import imports, lists
from screener.numberlists.imports import Outcome, import_files, update

FTC = (
    "Company_Phone_Number,Created_Date,Violation_Date,Consumer_City,Consumer_State,"
    "Consumer_Area_Code,Subject,Recorded_Message_Or_Robocall\n"
)
ROW = "{number},{when},2024-01-01 19:00:00,Phoenix,Arizona,480,{subject},Y\n"


def ftc(*rows: tuple[str, str], subject: str = "No Subject Provided") -> str:
    lines = [ROW.format(number=number, when=when, subject=subject) for number, when in rows]
    return FTC + "".join(lines)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


Write = Callable[[str, str | bytes], str]


def numbers_of(data: Path, name: str) -> Numbers:
    return lists.open_list(lists.file_of(data, name)).numbers


def made(data: Path, *files: str, country: str = "US", add: bool = False) -> Outcome:
    return import_files(data, "list", files, country, add=add)


def holds(data: Path, *numbers: str) -> list[int]:
    opened = numbers_of(data, "list")
    return [opened.reports(number) for number in numbers]


# What files say ----------------------------------------------------------------------------------


def test_ftc_complaints_are_reports_with_their_times(data: Path, write: Write) -> None:
    rows = ("4155550100", "2024-01-02 00:11:22"), ("4155550100", "2024-03-01 10:00:00")
    done = made(data, write("ftc.csv", ftc(*rows, ("2125550199", "2024-02-01 01:02:03"))))
    assert (done.info.numbers, done.info.entries, done.info.dated) == (2, 3, True)
    assert done.info.newest == datetime(2024, 3, 1, 10, tzinfo=UTC)
    opened = numbers_of(data, "list")
    assert opened.reports("+14155550100") == 2
    assert opened.reports("+14155550100", datetime(2024, 2, 1, tzinfo=UTC)) == 1
    assert opened.dates("+14155550100")[0] == datetime(2024, 1, 2, 0, 11, 22, tzinfo=UTC)
    assert opened.reports("+13105550123") == 0


def test_the_same_line_counts_once_and_another_report_in_the_same_second_counts(
    data: Path, write: Write
) -> None:
    row = "4155550100", "2024-01-02 00:11:22"
    first, again = write("a.csv", ftc(row, row)), write("b.csv", ftc(row))
    other = write("c.csv", ftc(row, subject="Warranties"))
    assert made(data, first, again, other).info.entries == 2


def test_complaints_without_a_number_or_a_date_are_counted_as_such(
    data: Path, write: Write
) -> None:
    rows = ("", "2024-01-02 00:11:22"), ("4155550100", "yesterday"), ("555", "2024-01-02 00:00:00")
    done = made(data, write("ftc.csv", ftc(*rows, ("4155550100", "2024-01-02 00:11:22"))))
    assert (done.skipped.blank, done.skipped.undated, done.skipped.unread) == (1, 1, 1)
    assert done.skipped.told[0].startswith("ftc.csv:4: ")
    opened = numbers_of(data, "list")
    assert opened.reports("+14155550100") == 2
    assert opened.reports("+14155550100", datetime(2001, 1, 1, tzinfo=UTC)) == 1
    assert opened.dates("+14155550100")[0] is None


def test_plain_text_holds_numbers_prefixes_ranges_and_comments(data: Path, write: Write) -> None:
    text = """\
# the worst
4155550100
(415) 555-0101   said he was the bank
415 555 0102 7 calls in one day
+49 30 12345678 # Berlin
+1900*
976* premium
+14155550200..+14155550299
212-555-03?? all of them
1-415-555-0103,spam
"+14155550104"

nonsense
555-0100
*
+1415*5
"""
    done = made(data, write("list.txt", text))
    assert not done.info.dated
    assert (done.info.numbers, done.info.prefixes, done.info.ranges) == (6, 2, 2)
    assert (
        holds(
            data,
            *("+14155550100", "+14155550101", "+14155550102", "+14155550103", "+14155550104"),
            *("+493012345678", "+19005550100", "+19765550100", "+14155550250", "+12125550399"),
        )
        == [1] * 10
    )
    assert holds(data, "+14155550300", "+12125550400", "+18005550100", "+1415555010") == [0] * 4
    assert done.skipped.unread == 4
    assert [told.split(": ")[0] for told in done.skipped.told] == [
        *("list.txt:13", "list.txt:14", "list.txt:15", "list.txt:16"),
    ]
    assert "area code" in done.skipped.told[1]


def test_numbers_are_read_as_the_country_writes_them(data: Path, write: Write) -> None:
    path = write("list.txt", "030/12345678\n0900*\n00 44 20 7946 0018\n")
    made(data, path, country="DE")
    assert holds(data, "+493012345678", "+499001234", "+442079460018") == [1, 1, 1]


@pytest.mark.parametrize(
    "content",
    [
        "phone\n4155550100\n",
        "name,Phone Number,note\nJoe,(415) 555-0100,x\n",
        'name;Caller ID Number;note\n"Joe; the ""other""";4155550100;x\n',
        "name\tnumber\nJoe\t+1 415 555 0100\n",
        'number,comment\n"4155550100","a, b"\n',
        '# made by hand\n\nnumber,comment\n4155550100,an "odd, line\n',
        "4155550100,no header at all\n",
        "\ufeffnumber\r\n4155550100\r\n",
        "number\r4155550100\r",
        "number\n4155550100",
    ],
)
def test_the_column_of_numbers_is_found(data: Path, write: Write, content: str) -> None:
    done = made(data, write("list.csv", content))
    assert holds(data, "+14155550100") == [1]
    assert (done.info.entries, done.info.dated, done.skipped.unread) == (1, False, 0)


def test_a_list_of_its_own_columns_may_hold_prefixes(data: Path, write: Write) -> None:
    made(data, write("list.csv", "name,number\npremium,+1900*\nblock,2125550100..2125550199\n"))
    assert holds(data, "+19005550100", "+12125550150", "+12125550200") == [1, 1, 0]


def test_a_million_characters_without_an_end_cost_one_line(data: Path, write: Write) -> None:
    text = f"4155550100\n{'9' * 1_500_000}\n4155550101\n{'x,' * 600_000}"
    done = made(data, write("list.txt", text))
    assert holds(data, "+14155550100", "+14155550101") == [1, 1]
    assert done.skipped.unread == 2
    assert done.skipped.told[0] == "list.txt:2: the line is longer than 65536 characters"


def test_bytes_of_all_kinds_are_skipped_and_shown_harmless(data: Path, write: Write) -> None:
    noise = random.Random(7).randbytes(200_000)
    done = made(data, write("list.txt", b"4155550100 caf\xe9\n\x00\x1b[31m\n" + noise))
    assert holds(data, "+14155550100") == [1]
    assert done.skipped.unread > 100
    assert all(told.isprintable() for told in done.skipped.told)


@pytest.mark.parametrize("dated", [True, False])
def test_what_is_packed_with_gzip_is_unpacked(data: Path, write: Write, dated: bool) -> None:
    text = ftc(("4155550100", "2024-01-02 00:11:22")) if dated else "4155550100\n"
    made(data, write("list.csv.gz", gzip.compress(text.encode())))
    assert holds(data, "+14155550100") == [1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"4155550100\n" * 10_000, mtime=0)[:40], "is damaged or not all there"),
        (b"\x1f\x8bnonsense that is none", "is damaged or not all there"),
        ("number\n4155550100\n".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        (b"PK\x03\x04rest", "is a ZIP archive or a spreadsheet"),
        (b"", "no number was found in list.txt"),
        (b"<html><body>404 Not Found</body></html>\n", "no number was found in list.txt"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_the_old_list_stays(
    data: Path, write: Write, content: bytes, said: str
) -> None:
    made(data, write("good.txt", "4155550100\n"))
    with pytest.raises(ListError, match=said):
        made(data, write("list.txt", content))
    assert holds(data, "+14155550100") == [1]


def test_files_that_are_not_there_are_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for missing in ("nix.csv", "empty", "*.nix"):
        with pytest.raises(ListError, match=r"no such file|no \.csv"):
            made(data, str(tmp_path / missing))


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../x", "two words", "x" * 65, "ä"])
def test_a_list_has_a_name_that_a_rule_can_say(data: Path, write: Write, name: str) -> None:
    with pytest.raises(ListError, match="cannot be a list's name"):
        import_files(data, name, [write("a.txt", "4155550100\n")], "US")


def test_reports_and_plain_numbers_do_not_mix(data: Path, write: Write) -> None:
    reports = write("ftc.csv", ftc(("4155550100", "2024-01-02 00:11:22")))
    with pytest.raises(
        ListError, match=r"ftc\.csv has dates, and the rest of the list list has none"
    ):
        made(data, write("a.txt", "4155550101\n"), reports)
    made(data, reports)
    with pytest.raises(ListError, match="import it under a name of its own"):
        made(data, write("a.txt", "4155550101\n"), add=True)


def test_ranges_and_prefixes_have_a_limit(
    data: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_RANGES", 3)
    with pytest.raises(ListError, match="more than 3 ranges and prefixes"):
        made(data, write("a.txt", "".join(f"+1415555{n}*\n" for n in range(1000, 1004))))


def test_many_batches_come_out_as_one_sorted_list(
    data: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 5_000)
    monkeypatch.setattr("screener.numberlists.pile.BATCH", 5_000)
    monkeypatch.setattr("screener.numberlists.pile._STRIDE", 50)
    dice = random.Random(5)
    own = [
        (f"{dice.randrange(2, 9)}{dice.randrange(10**9):09}", dice.randrange(60))
        for _ in range(150_000)
    ]
    text = FTC + "".join(
        ROW.format(number=n, when=f"2024-01-02 00:00:{s:02}", subject="x") for n, s in own
    )
    done = made(data, write("ftc.csv", text))
    assert done.info.entries == len(set(own))
    assert done.info.numbers == len({number for number, _ in own})
    opened = numbers_of(data, "list")
    for number, second in own[::37]:
        assert datetime(2024, 1, 2, 0, 0, second, tzinfo=UTC) in opened.dates(f"+1{number}")
    lowers = [
        lower for at in range(len(opened.uppers)) for lower in [opened.lowers[opened.starts[at]]]
    ]
    assert lowers[0] == min(int(f"1{n}") for n, _ in own) & 0xFFFFFFFF
    assert (
        made(
            data, write("more.csv", ftc(("2025550100", "2024-05-05 05:05:05"))), add=True
        ).info.entries
        == done.info.entries + 1
    )


# Bringing up to date -----------------------------------------------------------------------------


def test_an_import_replaces_the_list_and_add_adds_to_it(data: Path, write: Write) -> None:
    made(data, write("a.txt", "4155550100\n"))
    assert made(data, write("b.txt", "4155550101\n+1900*\n"), add=True).info.numbers == 2
    assert holds(data, "+14155550100", "+14155550101", "+19005550100") == [1, 1, 1]
    assert made(data, write("b.txt", "4155550101\n")).before is None
    assert holds(data, "+14155550100", "+14155550101", "+19005550100") == [0, 1, 0]


def test_only_what_is_new_in_a_folder_is_read(data: Path, write: Write, tmp_path: Path) -> None:
    write("ftc/1.csv", ftc(("4155550100", "2024-01-01 00:00:01")))
    made(data, str(tmp_path / "ftc"))
    assert update(data, "list", "US") is None
    write("ftc/2.csv", ftc(("4155550100", "2024-01-02 00:00:01")))
    write("ftc/readme.md", "4155550109\n")
    done = update(data, "list", "US")
    assert done is not None
    assert [Path(source.path).name for source in done.read] == ["2.csv"]
    assert done.info.entries == 2
    assert len(done.info.sources) == 2
    assert update(data, "list", "US") is None


def test_a_report_file_that_grew_adds_only_what_is_new(data: Path, write: Write) -> None:
    rows = [("4155550100", "2024-01-01 00:00:01"), ("4155550100", "2024-01-02 00:00:01")]
    path = write("ftc.csv", ftc(rows[0]))
    made(data, path)
    write("ftc.csv", ftc(*rows))
    done = update(data, "list", "US")
    assert done is not None
    assert done.info.entries == 2
    Path(path).unlink()  # what was reported stays reported
    assert update(data, "list", "US") is None
    assert holds(data, "+14155550100") == [2]


def test_what_was_taken_out_of_a_plain_list_is_out(data: Path, write: Write) -> None:
    path = write("a.txt", "4155550100\n4155550101\n+1900*\n")
    made(data, path, write("b.txt", "4155550102\n"))
    write("a.txt", "4155550101 only\n")
    assert update(data, "list", "US") is not None
    assert holds(data, "+14155550100", "+14155550101", "+14155550102", "+19005550100") == [
        0,
        1,
        1,
        0,
    ]


def test_a_plain_list_is_not_made_anew_without_a_file_that_is_gone(
    data: Path, write: Write
) -> None:
    path = write("a.txt", "4155550100\n")
    made(data, path, write("b.txt", "4155550102\n"))
    Path(path).unlink()
    assert update(data, "list", "US") is None
    write("b.txt", "4155550103 only\n")
    with pytest.raises(ListError, match=r"a\.txt, which the list was made from, too, is no longer"):
        update(data, "list", "US")
    assert holds(data, "+14155550100", "+14155550102") == [1, 1]


# Nothing breaks the old list ---------------------------------------------------------------------


def test_a_source_that_changes_while_it_is_read_is_refused(data: Path, write: Write) -> None:
    made(data, write("good.txt", "4155550100\n"))
    path = write("list.txt", "4155550101\n" * 200_000)

    def replace(name: str, read: int, size: int) -> None:
        other = write("other.txt", "4155550102\n" * 200_000)
        Path(other).replace(path)

    with pytest.raises(ListError, match=r"list\.txt was changed while it was read"):
        import_files(data, "list", [path], "US", tell=replace)

    def grow(name: str, read: int, size: int) -> None:
        with Path(path).open("a") as file:
            file.write("4155550103\n")

    with pytest.raises(ListError, match=r"list\.txt was changed while it was read"):
        import_files(data, "list", [path], "US", tell=grow)
    assert holds(data, "+14155550100", "+14155550101") == [1, 0]


def test_who_has_the_old_list_open_keeps_it(data: Path, write: Write) -> None:
    made(data, write("a.txt", "4155550100\n"))
    old, troubles = lists.open_all(data)
    assert troubles == []
    made(data, write("a.txt", "4155550101\n"))
    imports.remove(data, "list")
    assert old["list"].reports("+14155550100") == 1
    assert old["list"].reports("+14155550101") == 0
    assert lists.names(data) == frozenset()


def test_two_imports_at_once_are_one_too_many(data: Path, write: Write) -> None:
    path = write("a.txt", "4155550100\n")
    refused = []

    def second(name: str, read: int, size: int) -> None:
        with pytest.raises(ListError, match="another import is under way") as caught:
            made(data, path)
        refused.append(str(caught.value))

    import_files(data, "list", [path], "US", tell=second)
    assert refused
    assert holds(data, "+14155550100") == [1]


def test_a_full_disk_leaves_the_old_list(data: Path, write: Write, tmp_path: Path) -> None:
    made(data, write("a.txt", "4155550100\n"))
    big = write("b.txt", "".join(f"{n}\n" for n in range(4155550100, 4155750100)))
    program = (
        "import resource, signal, sys; from pathlib import Path;"
        "from screener.numberlists.imports import import_files\n"
        "from screener.errors import ListError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: import_files(Path(sys.argv[1]), 'list', [sys.argv[2]], 'US')\n"
        "except ListError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, data, big], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in ran.stdout
    assert "the lists are as they were" in ran.stdout
    assert holds(data, "+14155550100", "+14155550101") == [1, 0]
    assert sorted(path.name for path in lists.folder(data).iterdir()) == [".lock", "list.numbers"]


# Imports until it is killed; says when it has begun.
_KILLED = """
import sys
from pathlib import Path
from screener.numberlists.imports import import_files
print("begun", flush=True)
def tell(*_):
    print(".", flush=True)
while True:
    import_files(Path(sys.argv[1]), "list", sys.argv[2:], "US", tell=tell)
"""


def test_an_import_that_is_killed_leaves_a_whole_list(
    data: Path, write: Write, tmp_path: Path
) -> None:
    both = "2125550100\n"
    old = write("old.txt", both + "4155550100\n")
    new = write("new.txt", both + "".join(f"{n}\n" for n in range(4155550101, 4155700000)))
    made(data, old)
    reading = numbers_of(data, "list")
    dice = random.Random(11)
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED, data, new], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(dice.randrange(1, 9)):
                process.stdout.readline()
            # Somewhere between two of its lines: each takes it some ten thousand instructions.
            for _ in range(dice.randrange(200_000)):
                pass
            process.send_signal(signal.SIGKILL)
        opened, troubles = lists.open_all(data)
        assert troubles == []
        assert opened["list"].reports("+12125550100") == 1
        old_one = opened["list"].reports("+14155550100")
        assert old_one != opened["list"].reports("+14155550101")
        assert reading.reports("+14155550100") == 1
    made(data, old)
    left = sorted(path.name for path in lists.folder(data).iterdir())
    assert left == [".lock", "list.numbers"]


# Damaged files -----------------------------------------------------------------------------------


def damaged(data: Path, change: Callable[[bytearray], bytes]) -> str:
    """What is said of a list whose file was changed so."""
    path = lists.file_of(data, "list")
    content = change(bytearray(path.read_bytes()))
    path.unlink()
    path.write_bytes(content)
    opened, troubles = lists.open_all(data)
    assert opened == {}
    assert len(troubles) == 1
    assert str(path) in troubles[0]
    return troubles[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b"", "it is too short; import it again"),
        (lambda b: b[:20], "it is too short"),
        (lambda b: b"x" * 100, "is no number list"),
        (lambda b: b[:8] + b"\x63" + b[9:], "another version"),
        (lambda b: b[:-1], "bytes instead of"),
        (lambda b: b + b"x", "bytes instead of"),
        (lambda b: b[:-1] + b"]", "its header was changed"),
    ],
)
def test_a_damaged_list_is_told_and_left_out(
    data: Path, write: Write, change: Callable[[bytearray], bytes], said: str
) -> None:
    made(data, write("a.txt", "4155550100\n"))
    assert said in damaged(data, change)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (b'"starts": [', b'"starts": [8', "starts"),
        (b'"dated": false', b'"dated": true ', "its dates are not all there"),
        (b'"country"', b'"cuontry"', "damaged"),
        (b'"imported": "2', b'"imported": "x', "damaged"),
        (b'"newest": null', b'"newest": "no"', "damaged"),
    ],
)
def test_a_header_that_says_what_cannot_be_is_told(
    data: Path, write: Write, was: bytes, now: bytes, said: str
) -> None:
    """Whoever wrote it did so with a right check sum."""
    made(data, write("a.txt", "4155550100\n"))

    def change(content: bytearray) -> bytes:
        head = lists.HEAD
        magic, version, length, size, _, _ = head.unpack(content[: head.size])
        text = bytes(content[size - length :]).replace(was, now)
        assert text != content[size - length :]
        size += len(text) - length
        fresh = head.pack(magic, version, len(text), size, zlib.crc32(text), 0)
        return fresh + bytes(content[head.size : size - len(text)]) + text

    assert said in damaged(data, change)


def test_damage_in_the_numbers_never_crashes_a_lookup(data: Path, write: Write) -> None:
    dice = random.Random(3)
    rows = [(f"415555{n:04}", "2024-01-02 00:11:22") for n in range(0, 2000, 3)]
    made(data, write("ftc.csv", ftc(*rows, ("2125550100", "2024-01-02 00:00:00"))))
    path = lists.file_of(data, "list")
    whole = path.read_bytes()
    arrays = len(whole) - lists.HEAD.unpack(whole[: lists.HEAD.size])[2]  # the header has a CRC
    path.chmod(0o600)
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(20):
            content[dice.randrange(lists.HEAD.size, arrays)] = dice.randrange(256)
        path.write_bytes(content)
        opened, troubles = lists.open_all(data)
        assert len(opened) + len(troubles) == 1
        for numbers in opened.values():
            for number in ("+14155550000", "+14155550001", "+12125550100", "+19995550100"):
                assert numbers.reports(number, datetime(2024, 1, 1, tzinfo=UTC)) >= 0
                assert len(numbers.dates(number)) >= 0


def test_what_is_no_list_is_not_opened(data: Path) -> None:
    assert lists.open_all(data) == ({}, [])
    lists.folder(data).mkdir(parents=True)
    (lists.folder(data) / ".x.numbers.new").write_text("")
    (lists.folder(data) / "two words.numbers").write_text("")
    (lists.folder(data) / "notes.txt").write_text("")
    assert lists.names(data) == frozenset()
    (lists.folder(data) / "folder.numbers").mkdir()
    opened, troubles = lists.open_all(data)
    assert (opened, len(troubles)) == ({}, 1)


def test_nobody_writes_into_a_list_that_others_have_mapped(data: Path, write: Write) -> None:
    made(data, write("a.txt", "4155550100\n"))
    assert lists.file_of(data, "list").stat().st_mode & 0o222 == 0


# Two lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "within"),
    [
        ("4155550100\n", "4155550100\n2125550100\n", True),
        ("4155550100\n2125550100\n", "4155550100\n", False),
        ("4155550100\n", "+1415*\n", True),
        ("4155550100\n+4930123456\n", "4155550100..4155550199\n", False),
        ("+14155550110..+14155550120\n", "4155550100..4155550199\n", True),
        ("4155550110..4155550220\n", "4155550100..4155550199\n", False),
        ("+14155*\n", "+1415*\n", True),
        ("+1415*\n", "+14155*\n", False),
        ("+1415*\n", "4155550100\n", False),
        ("4155550100\n", "+442079460018\n", False),
    ],
)
def test_whether_one_list_holds_all_of_another(
    data: Path, write: Write, part: str, whole: str, within: bool
) -> None:
    import_files(data, "part", [write("a.txt", part)], "US")
    import_files(data, "whole", [write("b.txt", whole)], "US")
    opened, _ = lists.open_all(data)
    assert lists.subset(opened["part"], opened["whole"]) is within
    assert lists.subset(opened["part"], opened["part"])


def test_opening_lists_loads_no_numpy(data: Path, write: Write) -> None:
    made(data, write("a.txt", "4155550100\n"))
    program = (
        "import sys; from pathlib import Path; from screener.numberlists import lists;"
        "print(lists.open_all(Path(sys.argv[1]))[0]['list'].reports('+14155550100'),"
        "'numpy' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, data], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["1", "False"]
