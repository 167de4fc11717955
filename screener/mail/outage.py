"""Whether the mail server is away or takes nothing: said in the log once as it begins, once as it
ends."""

from __future__ import annotations

import logging
import threading

from screener.core.delivery import Answers, Delivery
from screener.settings.surroundings import MailSettings

log = logging.getLogger(__name__)


class Outage:
    """What the attempts come to, in the order of their ends. They may end in several threads."""

    def __init__(self, mail: MailSettings) -> None:
        self._where = f"{mail.host}:{mail.port}" if mail.host else mail.sendmail
        self._one = threading.Lock()
        self._lasts = False

    def learn(self, said: Answers) -> None:
        """What an attempt was told of each recipient. It lasts until one has a final answer."""
        if not said:
            return
        waits = all(delivery is Delivery.WAITING for delivery, _ in said.values())
        with self._one:
            changed, self._lasts = waits is not self._lasts, waits
        if not changed:
            return
        if waits:
            why = " / ".join(dict.fromkeys(reply for _, reply in said.values()))
            log.warning("mail waits: %s: %s", self._where, why)
        else:
            log.info("mail goes out again: %s", self._where)
