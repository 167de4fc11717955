"""The pages' server: inside the running service, and never in the way of its calls.

What it can do is what a link says (links.py), and only when a person has pressed the button: mail
scanners follow every link, so GET and HEAD change nothing. How much may come in is bounded: the
requests of one address, connections at once, and how long each may stay (allowance.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from aiohttp import web

from screener.config import Settings
from screener.core.callerid import shown
from screener.core.promotion import can_be_named, rule_for
from screener.core.story import CallRow
from screener.errors import ScreenerError, StoreError
from screener.mail.links import PATHS, SOUND, Links, Standing, Ticket
from screener.records.calllog import DATABASE, CallLog
from screener.rules.promotion import Promotion, promote
from screener.sideline import sideline
from screener.web import pages
from screener.web.allowance import Downloads, Rate, connection, sweep
from screener.web.answers import forged, html, later, sentences
from screener.web.feeds import FEED, Feeds
from screener.web.sounds import Sounds
from screener.web.withdrawals import Withdrawals

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LISTEN_AGAIN = 60.0  # seconds until a port that was taken is tried again
_STOPPING = 2.0  # seconds that a stop leaves to requests under way
_LARGEST_BODY = 4096  # bytes of a request: the button sends none
# Requests of one address: so many at once, and so many a second afterwards. A person needs three; a
# player that fetches all there is of a box comes back for each message, and for parts of it.
_PERSON, _PLAYER = (30.0, 1.0), (200.0, 5.0)

_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{pages.STYLE_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of the page is the key to it
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "screener",
}
# What is to be played says itself how long it may be kept, and what may show it.
_OWN = {"Content-Security-Policy", "Cache-Control", "Cross-Origin-Resource-Policy"}

_PLAYED = (f"/{SOUND}/", f"/{FEED}/")
_ACTIONS = {path: action for action, path in PATHS.items()}


class Web:
    """The pages of one front door. While they can be reached, `links` are offered."""

    def __init__(self, settings: Settings, links: Links) -> None:
        self._settings = settings
        self._links = links
        self._people, self._players = Rate(*_PERSON), Rate(*_PLAYER)
        self._downloads = Downloads()
        self._sounds = Sounds(settings, links, self._downloads)
        self._feeds = Feeds(settings, links, self._downloads)
        self._one = asyncio.Lock()  # one change at a time
        self._withdrawals = Withdrawals(settings, links, self._one)

    async def run(self) -> None:
        """Serve until cancelled. Where that cannot be, it is tried again; calls do without."""
        listen = self._settings.web.listen
        if listen is None:
            await asyncio.Event().wait()
            return
        runner = web.AppRunner(
            self.app(), access_log=None, keepalive_timeout=10.0, shutdown_timeout=_STOPPING
        )
        await runner.setup()
        try:
            await self._serve(runner, *listen)
        finally:
            self._links.url = ""
            await runner.cleanup()

    async def _serve(self, runner: web.AppRunner, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        told = ""
        while True:
            try:
                await asyncio.to_thread(self._links.open)
                server = await loop.create_server(partial(connection, runner), host, port)
            except (OSError, UnicodeError, ScreenerError) as error:  # "a..b" is no host name (idna)
                if str(error) != told:
                    log.warning("mails come without links: %s; see [web]", error)
                told = str(error)
                await asyncio.sleep(_LISTEN_AGAIN)
                continue
            self._links.url = self._settings.web.url
            log.info("the links of mails open at %s", self._links.url)
            try:
                async with asyncio.TaskGroup() as beside:
                    beside.create_task(sweep(runner, self._downloads))
                    beside.create_task(sideline(self._feeds.keep_ready, "making feeds ready"))
            finally:
                server.close()

    def app(self) -> web.Application:
        """The pages, and what stands before each of them."""
        app = web.Application(middlewares=[self._guard], client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(_dress)
        path = "/{action:" + "|".join(_ACTIONS) + "}/{token}"
        app.router.add_get(path, self._ask)
        app.router.add_post(path, self._do)
        app.router.add_get(f"/{SOUND}/{{id}}/{{token}}", self._sounds.answer)
        app.router.add_routes(self._withdrawals.routes())
        app.router.add_routes(self._feeds.routes())
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """No more requests than a person makes; and what goes wrong is a page, too."""
        now = asyncio.get_running_loop().time()
        rate = self._players if request.path.startswith(_PLAYED) else self._people
        if not rate.admits(request.remote or "", now):
            return later(429, "Too many requests")
        try:
            return await handler(request)
        except web.HTTPException as error:
            phrase = HTTPStatus(error.status).phrase
            answer = sentences(error.status, phrase, "There is no such page here.")
            if "Allow" in error.headers:  # RFC 9110, 15.5.6
                answer.headers["Allow"] = error.headers["Allow"]
            return answer
        except ScreenerError as error:
            return sentences(503, "That could not be done", f"{error}".rstrip(".") + ".")

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        """Show what would be done. Changes nothing."""
        ticket = self._ticket(request)
        if ticket is None:
            return forged()
        standing = await asyncio.to_thread(self._links.standing, ticket, datetime.now(UTC))
        row = await asyncio.to_thread(self._row, ticket)
        if standing is not Standing.GOOD:
            return _over(standing, _command(ticket, row))
        rule = rule_for(ticket.action, ticket.number, row.name if row else "", ticket.call)
        text = pages.confirm(
            ticket.action,
            number=ticket.number,
            call=ticket.call,
            row=row,
            rule=rule,
            command=_command(ticket, row),
            until=ticket.until,
            zone=self._settings.zone,
        )
        return html(200, text)

    async def _do(self, request: web.Request) -> web.StreamResponse:
        """Do it: the button was pressed."""
        ticket = self._ticket(request)
        if ticket is None:
            return forged()
        async with self._one:
            # To its end, whoever hangs up meanwhile: a link is not used up by half a change.
            done = await asyncio.shield(asyncio.to_thread(self._promote, ticket))
        if isinstance(done, Standing):
            row = await asyncio.to_thread(self._row, ticket)
            return _over(done, _command(ticket, row))
        rule = done.rule
        log.info("a link was used: %s (%s)", done.line, rule.place)
        text = pages.done(
            ticket.action,
            rule.place,
            done.line,
            done.undo(),
            already=done.added.already,
            hindered=done.in_the_way,
            remarks=_remarks(done),
        )
        return html(200, text)

    def _ticket(self, request: web.Request) -> Ticket | None:
        """What the request's link says; None where it is none of ours."""
        ticket = self._links.read(request.match_info["token"])
        if ticket is None or ticket.action is not _ACTIONS[request.match_info["action"]]:
            return None
        return ticket if can_be_named(ticket.number) else None

    def _promote(self, ticket: Ticket) -> Promotion | Standing:
        """Use the link and write the rule; or why the link does not work any more."""
        standing = self._links.use(ticket, datetime.now(UTC))
        if standing is not Standing.GOOD:
            return standing
        row = self._row(ticket)
        name = row.name if row else ""
        try:
            return promote(self._settings, ticket.action, ticket.number, name, ticket.call)
        except ScreenerError:
            self._links.take_back(ticket)
            raise

    def _row(self, ticket: Ticket) -> CallRow | None:
        """The call that the link is about; None where it is not known any more."""
        try:
            with CallLog(self._settings.data / DATABASE) as calls:
                found = calls.call(ticket.call)
        except StoreError as error:
            log.warning("a link is shown without its call: %s", error)
            return None
        row = found[0] if found else None
        return row if row and row.number == ticket.number else None


# What is answered --------------------------------------------------------------------------------


def _command(ticket: Ticket, row: CallRow | None) -> str:
    """What does the same as the link: by the call, while there is its row."""
    if row is not None:
        return f"screener calls {ticket.action} {ticket.call}"
    return f"screener rules add '{ticket.action} from {ticket.number}'"


def _over(standing: Standing, command: str) -> web.Response:
    if standing is Standing.USED:
        return sentences(
            410,
            "This link has been used",
            "Each link works once. `screener rules list` shows the rule that it made, if nobody has"
            f" removed it since; `{command}` adds it again.",
        )
    return sentences(
        410,
        "This link has expired",
        f"Nothing was changed. `{command}` still does what the link would have done.",
    )


def _remarks(done: Promotion) -> list[str]:
    """What whoever pressed the button has to know besides."""
    remarks = [
        f"For it, this rule of {old.rule.place} was taken out:"
        f" {shown(old.content.strip(), pages.LINE)}"
        for old in done.replaced
    ]
    earlier = done.in_the_way
    if earlier is not None:
        remarks.append(
            f"It decides nothing yet: {earlier.title} before it decides all these calls. Remove"
            f" that one first: `screener rules remove {earlier.place}`."
        )
    if done.added.broken:
        remarks.append(
            "But it comes into force only when the mistakes in the rule files are mended:"
            " `screener rules check` shows them."
        )
    return remarks


async def _dress(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        if name not in _OWN or name not in response.headers:
            response.headers[name] = value
