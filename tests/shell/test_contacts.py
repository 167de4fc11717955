"""Address books as telephones write them, and as nobody should."""

from pathlib import Path

import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.core.conditions import From
from screener.core.excerpt import as_vcard
from screener.core.foreign.listing import label
from screener.core.pattern import NumberPattern
from screener.core.rules import Action, Rule
from screener.rules import contacts

SAMPLES = Path(__file__).parents[1] / "fixtures" / "exchange"


def book(path: Path, content: str | bytes, country: str = "US") -> tuple[dict[str, str], list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return contacts.read(path, country)


def card(*lines: str, end: str = "\n") -> str:
    return end.join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


@pytest.fixture
def vcf(tmp_path: Path) -> Path:
    return tmp_path / "book.vcf"


def test_a_book_of_version_3_gives_every_number_and_its_name() -> None:
    assert contacts.read(SAMPLES / "family.vcf", "US") == (
        {
            "+14155550100": "Jane Doe",
            "+12125550188": "Jane Doe",
            "+18055550142": "Clinic, City",
            "+16505550133": "The Plumbers; Ltd, Night shift",
        },
        [],
    )


def test_androids_quoted_printable_is_read() -> None:
    assert contacts.read(SAMPLES / "android.vcf", "US") == (
        {"+14155550111": "Anna Müller", "+14155550112": "Anna Müller"},
        [],
    )


def test_uris_of_version_4_lose_their_extension_and_long_names_are_unfolded() -> None:
    numbers, troubles = contacts.read(SAMPLES / "rfc6350.vcf", "US")
    assert set(numbers) == {"+14186569254", "+14182626501", "+14185550123"}
    assert set(numbers.values()) == {
        "Simon Perreault with a name that is so long that the line which holds it must be folded"
    }
    assert troubles == []


def test_a_broken_card_costs_only_itself_and_is_named() -> None:
    numbers, troubles = contacts.read(SAMPLES / "broken.vcf", "US")
    assert numbers == {"+14155550102": "Fine", "+14155550104": "+14155550104"}
    assert troubles == [
        'broken.vcf:1: the card of "Never ends" was skipped: it has no END:VCARD',
        'broken.vcf:9: "call me" of "Fine" was skipped: it is no telephone number',
        'broken.vcf:10: "555-0100" of "Fine" was skipped: it has no area code',
        "broken.vcf:15: 'FN;CHARSET=NO-SUCH;ENCODING=QUOTED-PRINTABLE:=FF' was skipped: "
        "it is no line of a vCard",
        "broken.vcf:16: 'TEL;\"broken:+14155550103' was skipped: it is no line of a vCard",
        'broken.vcf:20: the card of "Cut off" was skipped: it has no END:VCARD',
    ]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("FN:Mom", "N:Doe;Jane;;;"), "Mom"),
        (("FN: ", "N:Doe;Jane;M.;Dr.;Jr."), "Dr. Jane M. Doe Jr."),
        (("N:Doe;;;;",), "Doe"),
        (("N:;;;;", "ORG:Acme;Sales"), "Acme, Sales"),
        (("NICKNAME:Bob",), "Bob"),
        ((), "+14155550100"),
        (("FN:two\\nlines \\, one\\; name",), "two lines , one; name"),
        (("fn:small letters",), "small letters"),
        (("item3.FN:grouped",), "grouped"),
        (("FN:\x1b[31mred\x07",), "[31mred"),
        (("FN:" + "x" * 5000,), "x" * 200),
    ],
)
def test_a_card_is_called_by_the_best_name_that_it_has(
    vcf: Path, lines: tuple[str, ...], name: str
) -> None:
    assert book(vcf, card(*lines, "TEL:415 555 0100")) == ({"+14155550100": name}, [])


@pytest.mark.parametrize(
    ("country", "line", "e164"),
    [
        ("US", "TEL;TYPE=CELL:(415) 555-0100 x123", "+14155550100"),
        ("US", "TEL:1-800-FLOWERS", "+18003569377"),
        ("US", "TEL;VALUE=uri:tel:555-0100;phone-context=+1415", "+14155550100"),
        ("US", "TEL:+1 415 555 0100,,42#", "+14155550100"),
        ("GB", "TEL:020 7946 0018", "+442079460018"),
        ("DE", "TEL;TYPE=WORK,VOICE:(030) 901820", "+4930901820"),
    ],
)
def test_numbers_are_read_as_people_write_them(
    vcf: Path, country: str, line: str, e164: str
) -> None:
    numbers, troubles = book(vcf, card("FN:X", line), country)
    assert list(numbers) == [e164], troubles


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_usual_encoding_and_line_end(vcf: Path, encoding: str, end: str) -> None:
    text = card("FN:Zoë Müller", "TEL:+49 30 901820", end=end)
    assert book(vcf, text.encode(encoding)) == ({"+4930901820": "Zoë Müller"}, [])


def test_a_named_character_set_is_believed(vcf: Path) -> None:
    text = card("FN;CHARSET=SHIFT_JIS:山田", "TEL:+81312345678").encode("shift_jis")
    assert book(vcf, text)[0] == {"+81312345678": "山田"}


def test_of_two_names_for_a_number_the_first_counts(vcf: Path) -> None:
    text = card("FN:First", "TEL:4155550100") + card("FN:Second", "TEL:+14155550100")
    assert book(vcf, text)[0] == {"+14155550100": "First"}


def test_a_photograph_is_passed_over(vcf: Path) -> None:
    photo = ["PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 70, *(" " + "TEL:" * 18 for _ in range(500))]
    numbers, troubles = book(vcf, card("FN:X", *photo, "TEL:4155550100"))
    assert (numbers, troubles) == ({"+14155550100": "X"}, [])


@pytest.mark.parametrize(
    "content", [b"", b"no card\n", b"\0\1\2\3" * 5000, b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xfe"]
)
def test_what_is_no_address_book_is_told_once(vcf: Path, content: bytes) -> None:
    numbers, troubles = book(vcf, content)
    assert numbers == {}
    assert troubles == ["book.vcf: no vCard in it (no line says BEGIN:VCARD)"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert contacts.read(tmp_path / "none.vcf", "US") == (
        {},
        ["none.vcf: cannot be read (No such file or directory)"],
    )
    (tmp_path / "folder.vcf").mkdir()
    assert contacts.read(tmp_path / "folder.vcf", "US") == ({}, ["folder.vcf: is no file"])


def test_a_huge_file_is_not_read(vcf: Path) -> None:
    with vcf.open("wb") as file:
        file.truncate(100 << 20)
    (trouble,) = contacts.read(vcf, "US")[1]
    assert trouble == (
        "book.vcf: 100 MB is too much for an address book, at most 64 MB are read: "
        "export it without photographs"
    )


def test_of_too_many_cards_the_first_count(vcf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST_CARDS", 3)
    text = "".join(card(f"FN:{i}", f"TEL:415555010{i}") for i in range(5))
    numbers, (trouble,) = book(vcf, text)
    assert list(numbers.values()) == ["0", "1", "2"]
    assert trouble.startswith("book.vcf:16: more than 3 cards; the rest is left out")


def test_of_too_many_lines_the_first_count(vcf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST_LINES", 7)
    numbers, troubles = book(vcf, card("FN:X", "TEL:4155550100") * 2)
    assert list(numbers) == ["+14155550100"]
    assert troubles[0] == "book.vcf: more than 7 lines; the rest is left out"


@pytest.mark.parametrize(
    "head",
    [
        "TEL" + ';a="b",c' * 240,
        "TEL" + ";a" * 990,
        "TEL" + ";" * 1990,
        "TEL;a=" + "," * 1900,
        "TEL;a=" + '"' * 1901,
        "TEL" + ";a=b,c,d" * 240,
    ],
)
def test_parameters_made_to_take_for_ever_take_no_time(vcf: Path, head: str) -> None:
    numbers, troubles = book(vcf, card("FN:X", head, "TEL:4155550100"))
    assert list(numbers) == ["+14155550100"]
    assert len(troubles) == 1


def test_of_a_thousand_troubles_the_first_are_told_and_the_rest_counted(vcf: Path) -> None:
    numbers, troubles = book(vcf, card("FN:X", "TEL:nothing") * 1000)
    assert numbers == {}
    assert len(troubles) == 21
    assert troubles[-1] == "book.vcf: 980 more entries were skipped"


def test_the_address_books_beside_the_rules(tmp_path: Path) -> None:
    for name in ("family.vcf", "work.vcf", "1-allow.rules", "family.vcf.bak"):
        (tmp_path / name).touch()
    assert contacts.names(tmp_path) == {"family.vcf", "work.vcf"}
    assert contacts.names(tmp_path / "none") == frozenset()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "BEGIN:VCARD",
                    "END:VCARD",
                    "TEL:",
                    "TEL;X=",
                    "FN;ENCODING=QUOTED-PRINTABLE:=",
                    "N:;",
                ]
            ),
            st.binary(max_size=12).map(lambda b: b.decode("latin-1")),
        ),
        max_size=20,
    )
)
def test_no_content_raises(vcf: Path, pieces: list[str]) -> None:
    numbers, troubles = book(vcf, "\n".join(pieces).encode("latin-1"))
    assert all(number.startswith("+") for number in numbers)
    assert all(trouble.isprintable() for trouble in troubles)


LABELS = st.text(alphabet=st.one_of(st.sampled_from(";,\\: ="), st.characters()), max_size=120)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        LABELS.map(label).map(lambda name: " ".join(name.split())).filter(bool),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_exported_as_vcard_is_read_again(vcf: Path, labels: list[str]) -> None:
    rules = [
        Rule(Action.ALLOW, (From((NumberPattern(f"+1415555010{at}"),)),), name)
        for at, name in enumerate(labels)
    ]
    text = as_vcard(rules, "US").text
    read, troubles = book(vcf, text)
    assert read == {f"+1415555010{at}": name for at, name in enumerate(labels)}
    assert troubles == []
    others = [each.fn.value for each in vobject.readComponents(text)]
    assert others == labels
