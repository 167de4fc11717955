"""Pages for mail programs: whole, escaped, and nothing in them that is fetched from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.mailpage import (
    button,
    facts,
    grid,
    heading,
    link,
    note,
    page,
    paragraph,
    picture,
    quotation,
)

VOID = {"meta", "br", "img"}
HOSTILE = st.one_of(
    st.text(max_size=4096),
    st.text(st.sampled_from("<>&\"'/=! -\r\n\t\x00\u202e\u2066\ud800abjs:"), max_size=80),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src="https://evil.example/x.png">',
            "<![endif]--><table>",
            "</td></tr></table></body>",
            "a" * 4096,
        ]
    ),
)


class Reader(HTMLParser):
    """What a page is made of: its elements in order, their attributes, its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def whole(text: str, url: str = "https://door.example/x") -> str:
    return page(
        text,
        heading(text),
        paragraph(text),
        quotation(text),
        facts([(text, text)]),
        grid([text, "n"], [[text, "1"], [text, "2"]], align="lr"),
        button(text, url),
        button(text, url, strong=False),
        link(text, url),
        picture("chart.1@screener", text, 560),
        note(text),
    )


def test_a_page_has_its_text_and_its_links() -> None:
    read = Reader(whole("Mom & Dad"))
    assert read.open == []
    assert read.text.count("Mom & Dad") == 13
    assert read.values("href") == ["https://door.example/x"] * 3
    assert read.values("src") == ["cid:chart.1@screener"]
    assert "Mom & Dad" in read.values("alt")
    assert read.values("align").count("right") == 3
    assert read.values("lang") == ["en"]


def shape(source: str) -> tuple[list[str], list[str]]:
    read = Reader(source)
    assert read.open == []
    return [e for e in read.elements if e not in {"br", "bdi"}], [
        name for name, _ in read.attributes
    ]


@given(text=HOSTILE)
def test_whatever_strangers_write_the_page_is_made_of_the_same(text: str) -> None:
    source = whole(text)
    assert shape(source) == shape(whole("Mom"))
    assert all(c.isprintable() or c == "\n" for c in source)
    source.encode("utf-8")


@given(text=HOSTILE)
def test_nothing_is_fetched_from_elsewhere(text: str) -> None:
    read = Reader(whole(text))
    assert read.values("src") == ["cid:chart.1@screener"]
    assert not [value for value in read.values("style") if "url(" in value]
    assert "background" not in [name for name, _ in read.attributes]


@given(url=HOSTILE)
def test_a_link_leads_nowhere_but_to_a_page_a_telephone_or_a_mailbox(url: str) -> None:
    for address in Reader(whole("Mom", url)).values("href"):
        assert address.startswith(("http://", "https://", "tel:", "mailto:"))
        assert address == url


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", " https://x", "//x", "", "https://a b"]
)
def test_what_is_no_address_is_told_and_not_linked(url: str) -> None:
    assert "href" not in link("Call back", url) + button("Call back", url)
    assert "Call back" in link("Call back", url)


@pytest.mark.parametrize("url", ["tel:+18055550142", "http://127.0.0.1:8190/let-in/AbC?x=1&y=2"])
def test_an_address_is_linked_to(url: str) -> None:
    assert Reader(link("Go", url)).values("href") == [url]
    assert Reader(button("Go", url)).values("href") == [url]


def test_a_line_end_stays_one_in_running_text_and_not_in_a_heading() -> None:
    assert paragraph("one\ntwo").count("<br>") == 1
    assert "<br>" not in heading("one\ntwo")


def test_a_grid_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="argument"):
        grid(["a", "b"], [["only one"]])
    assert "<th" not in grid(["", ""], [["a", "1"]])


def test_a_picture_is_a_part_of_the_mail() -> None:
    with pytest.raises(ValueError, match="content id"):
        picture("https://evil.example/x.png", "x", 100)


def test_a_language_is_a_tag() -> None:
    assert '<html lang="de-AT">' in page("x", lang="de-AT")
    assert '<html lang="en">' in page("x", lang='"><script>')


def test_what_is_read_from_the_right_turns_only_itself() -> None:
    told = paragraph("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd (+1 805 555 0142), 0:42")
    name = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
    assert f"<bdi>{name}</bdi> (+1 805 555 0142), 0:42" in told
    assert paragraph("\u0645\u0631\u062d\u0628\u0627 1 \u05d0").count("<bdi>") == 2


def test_an_attribute_has_no_elements_in_it() -> None:
    url = "https://door.example/\u05d0"
    assert f'href="{url}"' in button("\u05d0", url)
    assert 'alt="\u05d0"' in picture("a@b", "\u05d0", 10)
    assert "<title>\u05d0</title>" in page("\u05d0")
