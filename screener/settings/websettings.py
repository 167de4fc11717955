"""Where the web pages are, as screener.toml has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from screener.settings.surroundings import HOST, LOCAL
from screener.settings.tables import Table, UnfitError

KEYS = ("listen", "url")

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+):(?P<port>[0-9]{1,5})", re.ASCII)
_URL = re.compile(r"https?://[A-Za-z0-9._~\[\]:/-]{1,200}", re.ASCII)
_EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The web pages. `listen` is the address and port that they are served on; None: no pages.

    `url` is how the links in mails begin: where a browser finds the pages; no slash at its end.
    """

    listen: tuple[str, int] | None = ("127.0.0.1", 8190)
    url: str = "http://127.0.0.1:8190"

    @property
    def unreached(self) -> str:
        """Why only this machine reaches the pages, and what to do; "" where others do."""
        if self.listen is None:
            return "there are no pages: give web.listen an address, like 127.0.0.1:8190"
        host = urlsplit(self.url).hostname or ""
        if host not in LOCAL and not host.startswith("127."):
            return ""
        return (
            f"only this machine reaches {self.url}: set a web server with TLS before it, and name"
            " that in web.url"
        )


def read(root: Table, warnings: list[str]) -> WebSettings:
    """The web pages."""
    table = root.table("web", KEYS)
    usual = WebSettings()
    listen = table.take("listen", _listen, usual.listen)
    url = table.take("url", _web_url, "")
    if listen is None:
        return WebSettings(None, "")
    host, port = listen
    if not url and host in _EVERYWHERE:
        table.mistakes.missing(table.name("url"), "expected where a browser finds the pages")
    if host not in LOCAL and not url.startswith("https://"):
        warnings.append(
            f"web.listen {host} is open to other machines, and links go there in clear: set a web"
            " server with TLS before it, and name that in web.url"
        )
    shown_host = f"[{host}]" if ":" in host else host
    return WebSettings(listen, url or f"http://{shown_host}:{port}")


def _listen(value: object) -> tuple[str, int] | None:
    if value == "":
        return None
    if isinstance(value, str) and (found := _ADDRESS.fullmatch(value)):
        host, port = found["host"].strip("[]"), int(found["port"])
        if HOST.fullmatch(host) and 1 <= port <= 65535:
            return host, port
    raise UnfitError('expected an address and a port like "127.0.0.1:8190", or "" for no pages')


def _web_url(value: object) -> str:
    if isinstance(value, str) and _URL.fullmatch(value) and urlsplit(value).hostname:
        return value.rstrip("/")
    raise UnfitError('expected an address like "https://door.example.net"')
