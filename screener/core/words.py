"""Text as recognisers print it: lower-case words with a blank between them."""

from __future__ import annotations

import re
import unicodedata

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The words for 0 to 9."""


def normal(text: str) -> str:
    """Text as a phrase: lower case, no accents, digits as words, no other signs."""
    plain = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    plain = "".join(c for c in plain.lower() if not unicodedata.combining(c))
    plain = re.sub("[0-9]", lambda digit: f" {DIGITS[int(digit[0])]} ", plain)
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", plain)
    return " ".join(words)
