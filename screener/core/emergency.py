"""Emergency: what a caller is told who looks for help behind a menu.

A private line cannot connect him: whoever came in from outside would be sent out over it under a
number that is not his. So he is told the number of the country, and nobody is called.
"""

from __future__ import annotations

from screener.core import number


def told(country: str) -> tuple[str, ...]:
    """The prompts that tell him what to dial in `country` (ISO 3166), digit by digit."""
    return ("emergency", *(f"digit-{digit}" for digit in number.emergency_number(country)))
