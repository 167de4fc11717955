"""What is answered: a page with its status."""

from __future__ import annotations

from aiohttp import web

from screener.web import pages


def html(status: int, text: str) -> web.Response:
    """A page that is HTML already."""
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8")


def sentences(status: int, title: str, *texts: str) -> web.Response:
    """A page of plain sentences."""
    return html(status, pages.sentences(title, *texts))


def forged() -> web.Response:
    """A link that is none of ours."""
    return sentences(
        403,
        "This is no link of ours",
        "It does not open anything here. If it came in a mail, it may have been cut at the end of a"
        " line: copy the whole of it.",
    )


def later(status: int, title: str) -> web.Response:
    """Too much is asked for now."""
    answer = sentences(status, title, "Wait a minute, then try again.")
    answer.headers["Retry-After"] = "60"
    return answer
