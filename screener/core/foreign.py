"""What other programs' lists of numbers say, as entries."""

from __future__ import annotations

import re

_PAUSE = re.compile(r"(?<=[0-9)])\s*(?:[,;]|[pPwW](?=[0-9#*,])).*", re.DOTALL)
_SCHEME = re.compile(r"\s*(tel|sips?|callto):(//)?", re.IGNORECASE)


def bare_number(text: str) -> str:
    """A number without its `tel:` or `sip:` scheme and without what is dialled after it.

    That is a tel URI's parameters (RFC 3966), a SIP URI's host (RFC 3261), and the pauses and keys
    of an address book ("+14155550100,,42#"). It is not yet read as a number.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _PAUSE.sub("", text).strip()
    user = text[scheme.end() :].partition("@")[0].partition(";")[0]
    return re.sub("%2b", "+", user, flags=re.IGNORECASE).strip()
