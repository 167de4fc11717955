"""A call that leaves us before its end, against a stand-in for Asterisk's dialplan."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from screener.asterisk import departure as departure_module
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived


class Dialplan:
    """An ARI that answers for variables, and keeps all else that it is asked, with its query.

    `leaves` is set when a request for a call to go on elsewhere is to be obeyed.
    """

    def __init__(self) -> None:
        self.variables = {"CHANNEL(pjsip,target_uri)": "sip:+14155550100@192.0.2.7:5080"}
        self.asked: list[str] = []
        self.status = 204
        self.line: Line | None = None
        self.leaves = True
        app = web.Application()
        app.router.add_get("/ari/channels/channel/variable", self._variable)
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    async def _variable(self, request: web.Request) -> web.Response:
        return web.json_response({"value": self.variables.get(request.query["variable"], "")})

    async def _request(self, request: web.Request) -> web.Response:
        query = " ".join(f"{key}={value}" for key, value in request.query.items())
        self.asked.append(f"{request.method} {request.match_info['rest']} {query}")
        goes = request.path.endswith(("continue", "redirect"))
        if goes and self.leaves and self.line is not None and self.status < 400:
            self.line.gone.set()
        return web.Response(status=self.status)


@pytest.fixture
async def dialplan(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dialplan]:
    monkeypatch.setattr(departure_module, "_LEAVING", 0.05)
    stand_in = Dialplan()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


@pytest.fixture
async def call(dialplan: Dialplan) -> AsyncIterator[Line]:
    async def found() -> None:
        pass

    url = f"http://127.0.0.1:{dialplan.server.port}/ari"
    async with Client(url, "screener", "secret", "screener") as client:
        connection = Connection(client, lambda _: None, found, lambda: None)
        dialplan.line = Line(client, connection, Arrived("channel", (), "", "", "Ring"))
        yield dialplan.line


HAS_607 = "DIALPLAN_EXISTS(screener-refuse,607*21,1)"
REFUSED = "POST channels/channel/continue context=screener-refuse extension=607*21 priority=1"
HUNG_UP = "DELETE channels/channel reason_code=21"


async def test_a_call_is_refused_by_the_dialplan_and_left_alone_then(
    dialplan: Dialplan, call: Line
) -> None:
    dialplan.variables[HAS_607] = "1"
    await call.refuse(607)
    await call.hangup()
    assert dialplan.asked == [REFUSED]


async def test_a_dialplan_that_cannot_refuse_is_not_asked_to(
    dialplan: Dialplan, call: Line
) -> None:
    await call.refuse(607)
    assert dialplan.asked == [HUNG_UP]


async def test_a_refused_call_that_does_not_leave_is_hung_up(
    dialplan: Dialplan, call: Line
) -> None:
    dialplan.variables[HAS_607] = "1"
    dialplan.leaves = False
    await call.refuse(607)
    assert dialplan.asked == [REFUSED, HUNG_UP]


async def test_the_first_cause_is_the_one_that_counts(dialplan: Dialplan, call: Line) -> None:
    await call.hangup(17)
    await call.hangup()
    assert dialplan.asked == ["DELETE channels/channel reason_code=17"]


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        ("sip:desk@example.net", "PJSIP/sip:desk@example.net"),
        ("+18055550100", "PJSIP/sip:+18055550100@192.0.2.7:5080;user=phone"),
    ],
)
async def test_a_call_that_leaves_for_elsewhere_was_redirected(
    dialplan: Dialplan, call: Line, target: str, endpoint: str
) -> None:
    assert await call.redirect(target)
    assert dialplan.asked == [f"POST channels/channel/redirect endpoint={endpoint}"]


@pytest.mark.parametrize(("status", "leaves"), [(204, False), (422, True), (404, True)])
async def test_a_call_that_does_not_leave_was_not(
    dialplan: Dialplan, call: Line, status: int, leaves: bool
) -> None:
    dialplan.status, dialplan.leaves = status, leaves
    assert not await call.redirect("sip:desk@example.net")
    assert len(dialplan.asked) == 1


@pytest.mark.parametrize("target", ["tel:+18055550100", "+18055550100", "desk"])
async def test_a_call_is_sent_nowhere_that_asterisk_cannot_send_it(
    dialplan: Dialplan, call: Line, target: str
) -> None:
    dialplan.variables.clear()
    assert not await call.redirect(target)
    assert dialplan.asked == []


async def test_a_caller_who_has_hung_up_is_not_redirected(dialplan: Dialplan, call: Line) -> None:
    call.gone.set()
    assert not await call.redirect("sip:desk@example.net")
    await call.refuse(607)
    assert dialplan.asked == []
