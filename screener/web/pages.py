"""What the pages say, as HTML: pure text, made of what is known of a call.

Each page is whole in itself: no script, no picture, nothing from elsewhere. It reads on a telephone
and in a screen reader, in a light room and in a dark one. What a stranger wrote comes in through
core/callerid.py, and then escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from screener.core.callerid import quoted, shown, shown_number
from screener.core.campaign import Campaign
from screener.core.headline import many
from screener.core.rules import Action, Rule
from screener.core.story import CallRow, what_came
from screener.core.withdrawal import OFF

LINE = 500  # characters of a rule or a sentence

# Contrast of text on its ground is above 7:1 in both (WCAG 2.2, 1.4.6).
_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 38rem; margin: 2rem auto; padding: 0 1rem;
  font: 1.1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; line-height: 1.25; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
dd, code { overflow-wrap: anywhere; }
code { background: #eee; padding: .1em .3em; }
button { font: inherit; font-weight: 600; padding: .75rem 1.25rem; min-height: 3rem;
  border: 2px solid #0b4f8a; border-radius: .4rem; color: #fff; background: #0b4f8a; }
button:focus-visible { outline: 3px solid #e08700; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  body { color: #f0f0f0; background: #161616; } code { background: #333; }
  button { color: #08233c; background: #9fd0ff; border-color: #9fd0ff; } }
"""

STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
"""By which Content-Security-Policy knows our style sheet (CSP Level 3, hash-source)."""


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is spoken of."""

    ask: str
    button: str
    then: str
    done: str
    hindered: str


WORDS = {
    Action.ALLOW: Words(
        "Let this caller in from now on?",
        "Let this caller in from now on",
        "Calls from this number will ring your phones at once, without being asked anything.",
        "This caller is let in from now on",
        "The rule is written, but he is still not let in",
    ),
    Action.BLOCK: Words(
        "Block this caller from now on?",
        "Block this caller from now on",
        "Calls from this number will be turned away; no phone rings.",
        "This caller is blocked from now on",
        "The rule is written, but he is still not turned away",
    ),
}


def page(title: str, *parts: str) -> str:
    """A whole page; `parts` are HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def sentences(title: str, *texts: str) -> str:
    """A page of plain sentences."""
    return page(title, *(_paragraph(text) for text in texts))


def subscribe(title: str, url: str) -> str:
    """A private podcast's page: how to hear it."""
    return page(
        title,
        _paragraph("This is a private podcast: messages that callers have left."),
        f"<p>Give your podcast player this address: {_code(url)}</p>",
        _paragraph(
            'Players have a place for it, such as "Follow a show by its URL" or "Add by RSS'
            ' feed". Whoever knows the address hears every message, so give it to nobody else.'
        ),
    )


def confirm(
    action: Action,
    *,
    number: str,
    call: int,
    row: CallRow | None,
    rule: str,
    command: str,
    until: datetime,
    zone: tzinfo | None,
) -> str:
    """What would be done, about whom, and the one button that does it. `row` None: it is gone."""
    words = WORDS[action]
    return page(
        words.ask,
        _list(_facts(number, call, row, zone)),
        _paragraph(words.then),
        f"<p>The rule: {_code(rule)}</p>",
        *_button(words.button, until, zone),
        f"<p>The same by command: {_code(command)}</p>",
    )


def done(
    action: Action,
    place: str,
    rule: str,
    undo: str,
    *,
    already: bool,
    hindered: Rule | None,
    remarks: Sequence[str],
) -> str:
    """What was done, where it stands, and how to undo it. `hindered` is the rule that decides in
    its place; `remarks` are whole sentences."""
    verb = "The rule was there already" if already else "The rule was added"
    title = WORDS[action].done if hindered is None else WORDS[action].hindered
    if hindered is not None and hindered.action is Action.ALLOW:
        title = "The rule is written, but he still rings"
    return page(
        title,
        f"<p>{verb}, at {_code(place)}: {_code(rule)}</p>",
        *(_paragraph(remark) for remark in remarks),
        f"<p>To undo it: <code>{escape(undo)}</code></p>",
    )


def ask_to_switch_off(
    rule: str, place: str, until: datetime, zone: tzinfo | None, *, moved: bool
) -> str:
    """Which rule would be switched off, as it stands now, and the button that does it."""
    elsewhere = "It has moved since the report was made, and says the same."
    return page(
        "Switch this rule off?",
        f"<p>The rule, at {_code(place)}: {_code(rule)}</p>",
        *([_paragraph(elsewhere)] if moved else []),
        _paragraph(
            "Calls that it decides go to the rules after it; whom none of them names is screened."
            " The rule stays in its file as a comment."
        ),
        *_button("Switch this rule off", until, zone),
        f"<p>To remove it by command: {_code(f'screener rules remove {place}')}</p>",
    )


def switched_off(rule: str, place: str, undo: str, *, broken: bool) -> str:
    """What was switched off, and how to undo it; `broken`: rule files have mistakes."""
    but = "But it comes into force only when the mistakes in the rule files are mended:"
    return page(
        "This rule is switched off",
        f"<p>At {_code(place)} stands a comment now in place of: {_code(rule)}</p>",
        *([_paragraph(f"{but} `screener rules check` shows them.")] if broken else []),
        f"<p>To undo it, take away what stands before the rule in that line:"
        f" {_code(OFF.strip())}</p>",
        f"<p>Or by command: {_code(undo)}</p>",
    )


def ask_to_forget(known: Campaign, until: datetime, zone: tzinfo | None) -> str:
    """Which recording would be forgotten, and the button that does it."""
    played = f"{many(known.calls, 'call')} from {many(known.numbers, 'number')}"
    facts = [
        ("Recording", known.id),
        ("What it is taken for", str(known.standing)),
        ("Played in", played),
        ("First", _day(known.first, zone)),
        ("Last", _day(known.last, zone)),
    ]
    if known.phrases:
        facts.append(("It said", shown(", ".join(known.phrases), LINE)))
    return page(
        "Forget this recording?",
        _list(facts),
        _paragraph(
            "Calls that play it are judged as if nobody had heard it before, and it is not learnt"
            " again."
        ),
        *_button("Forget this recording", until, zone),
        f"<p>The same by command: {_code(f'screener campaigns forget {known.id}')}</p>",
    )


def forgotten(undo: str) -> str:
    """What was forgotten, and how to undo it."""
    return page(
        "This recording is forgotten",
        _paragraph("It is matched from now on with no call, and is not learnt again."),
        f"<p>To undo it: {_code(undo)}</p>",
    )


def _button(name: str, until: datetime, zone: tzinfo | None) -> tuple[str, str]:
    """What does it, and until when."""
    last = until.astimezone(zone)
    return (
        f'<form method="post"><button type="submit">{escape(name)}</button></form>',
        _paragraph(
            "Nothing changes until you press the button. This link works once, until"
            f" {last:%A} {last.day} {last:%B %Y, %H:%M}."
        ),
    )


def _day(when: datetime, zone: tzinfo | None) -> str:
    here = when.astimezone(zone)
    return f"{here:%A} {here.day} {here:%B %Y}"


def _facts(
    number: str, call: int, row: CallRow | None, zone: tzinfo | None
) -> list[tuple[str, str]]:
    facts = [("Number", shown_number(number))]
    if row is not None:
        when = row.started.astimezone(zone)
        if row.name.strip():
            facts.append(("Name, as the caller gave it", quoted(row.name)))
        facts += [
            ("Called", shown_number(row.did)),
            ("When", f"{when:%A} {when.day} {when:%B %Y, %H:%M}"),
            ("What came of it", what_came(row)),
        ]
    return [*facts, ("Call", str(call))]


def _list(facts: Sequence[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts) + "</dl>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _code(text: str) -> str:
    return f"<code>{escape(shown(text, LINE))}</code>"
