"""A caller's wish to be called back, passed on to those whom a message box serves.

The mail is kept in the outbox like a message, and delivered however long that takes. The text
message to a phone is a courtesy beside it: a phone that is off does not get it.
"""

from __future__ import annotations

import asyncio
import logging

from screener.asterisk.client import Client
from screener.core.callback import Request
from screener.core.frontdoor import MessageBox
from screener.core.notice import Notice
from screener.errors import AriError, OutboxError
from screener.mail.outbox import Outbox

log = logging.getLogger(__name__)

_PATIENCE = 2.0  # seconds that a caller waits for a text message to be on its way


async def pass_on(request: Request, box: MessageBox, outbox: Outbox, client: Client) -> bool:
    """Tell those whom the box serves: whether the mail to them is on disk now, to stay."""
    try:
        await outbox.notify(Notice(box.mail, request.subject, request.lines))
    except OutboxError as full:
        log.error("call %d: the number was not kept: %s", request.id, full)
        return False
    if box.notify:
        try:
            async with asyncio.timeout(_PATIENCE):
                await client.send_text(box.notify, request.subject)
        except (AriError, TimeoutError) as failed:
            what = str(failed) or "Asterisk does not answer"
            log.warning("call %d: no text message to %s: %s", request.id, box.notify, what)
    return True
