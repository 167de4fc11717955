"""A picture of a recorded caller: what he said, what was heard of it, and what was made of him.

From top to bottom over the seconds since the answer: our prompts and what was done; his loudness
with the speech, the sounds and the phrases in it; the words; the verdict as it changed. Matplotlib
draws it without a screen; it is loaded when the first picture is drawn (0.5 s).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screener.core.audio import FRAME_SECONDS
from screener.core.callerid import shown
from screener.core.script import Command, Heard, Overhear, Record, Ring, Span, Treat
from screener.core.timeline import Played, prompts, sounds
from screener.core.transcript import SURE
from screener.core.verdict import Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which those who cannot tell red from green can tell apart.
_COLOURS = {
    Kind.PERSON: "#009E73",
    Kind.WANTED_ROBOT: "#0072B2",
    Kind.UNWANTED_ROBOT: "#D55E00",
    Kind.SILENT: "#BBBBBB",
    Kind.UNSURE: "#F0E442",
}
_PROMPT, _SPEECH, _SOUND, _LINE = "#CC79A7", "#56B4E9", "#E69F00", "#444444"
# Lines that phrases and words are spread over, so that neighbours do not cover each other.
_PHRASE_LINES, _WORD_LINES = 4, 4
# What is shown after the call's end, for the last words about it.
_BEYOND = 1.1
_SIZE, _DPI = (13.0, 6.4), 110
# Inches that a letter of the small print takes, about.
_LETTER = 0.062


def draw(played: Played, title: str, path: Path) -> None:
    """Draw what was heard into a PNG file; `played` was watched (audition.py). Raises OSError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - 0.5 s
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 4.6, 1.9, 0.8))
    ours, sound, words, verdict = rows
    end = max(played.seconds, 1.0) * _BEYOND
    figure.suptitle(
        f"{shown(title, 90)}: {played.ending.verdict}, {played.settled:.1f} s after the answer",
        parse_math=False,
    )
    _draw_ours(ours, played, end)
    _draw_sound(sound, played, end)
    _draw_words(words, played, end)
    _draw_verdict(verdict, played, end)
    for axes in (ours, words, verdict):
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    for axes in rows:
        axes.grid(axis="x", color="#DDDDDD", lw=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
    verdict.set_xlim(0, end)
    verdict.set_xlabel("seconds since the answer")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that the font does not have
        figure.savefig(path, format="png")


def _draw_ours(axes: Axes, played: Played, end: float) -> None:
    """Our prompts, and what was done with the caller."""
    axes.set_ylabel("prompts", rotation=0, ha="right", va="center")
    axes.set_ylim(0, 1)
    for span, names in prompts(played.steps):
        axes.axvspan(span.start, span.end, color=_PROMPT, alpha=0.35, lw=0)
        told = " · ".join("menu" if name.startswith("menu-") else name for name in names)
        _label(axes, span, 0.5, told, end)
    for step in played.steps:
        told = _done(step.command)
        if told:
            axes.axvline(step.start, color=_LINE, lw=1)
            side = "right" if step.start > end * 0.93 else "left"
            axes.text(
                step.start, 0.85, f" {told} ", fontsize=8, ha=side, va="center", parse_math=False
            )


def _done(command: Command[Any]) -> str:
    """What is done with a caller, in a word or two."""
    match command:
        case Treat(treatment):
            return f"treatment: {treatment}"
        case Ring(group):
            return f"{group.name} rings"
        case Overhear():
            return "heard out"
        case Record():
            return "message"
    return ""


def _draw_sound(axes: Axes, played: Played, end: float) -> None:
    """How loud the caller is, where that is speech or another sound, and the phrases."""
    at = [n * FRAME_SECONDS for n in range(len(played.peaks))]
    loud = [peak / 32768 for peak in played.peaks]
    axes.fill_between(at, [-each for each in loud], loud, color=_LINE, lw=0, step="post")
    top = max([0.05, *loud])
    axes.set_ylim(-1.15 * top, 2.3 * top)
    axes.set_yticks([])
    axes.set_ylabel("caller", rotation=0, ha="right", va="center")
    heard = played.hearings
    for n, span in enumerate(span for each in heard for span in each.talk):
        axes.axvspan(
            span.start, span.end, 0, 0.667, color=_SPEECH, alpha=0.3, lw=0,
            label="speech" if n == 0 else "",
        )  # fmt: skip
    for n, each in enumerate(sounds(heard)):
        axes.axvspan(
            each.start, each.end, 0, 0.667, color=_SOUND, alpha=0.3, lw=0,
            label="no voice" if n == 0 else "",
        )  # fmt: skip
        _label(axes, Span(each.start, each.end), 1.07 * top, each.kind, end)
    for at_, line, told in _spread(_told(heard), _PHRASE_LINES, end):
        height = (2.15 - 0.25 * line) * top
        axes.plot([at_, at_], [-top, height], color=_LINE, lw=0.8, ls=":", zorder=1)
        axes.text(
            at_, height, f" {told}", fontsize=8, va="center", parse_math=False, clip_on=True,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5}, zorder=2,
        )  # fmt: skip
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", fontsize=8, framealpha=0.8, ncols=2)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _told(heard: Sequence[Heard]) -> list[tuple[float, str]]:
    """The phrases, the answers, the keys and the likeness, with when they came."""
    told = [(p.at, f'{p.kind}: "{p.text}"') for each in heard for p in each.phrases]
    told += [(each.end, f'answered "{each.words}"') for each in heard if each.words]
    told += [(each.end, f"keyed {each.keys}") for each in heard if each.keys]
    found = next((each.likeness for each in heard if each.likeness is not None), None)
    if found is not None:
        told.append((found.at, f"like the recording of {found.calls} calls"))
    return sorted((at, shown(text, 60)) for at, text in told)


def _draw_words(axes: Axes, played: Played, end: float) -> None:
    """The words, pale where the recogniser is not sure of them."""
    axes.set_ylabel("words", rotation=0, ha="right", va="center")
    axes.set_ylim(-0.5, _WORD_LINES - 0.5)
    words = played.transcript.words
    told = [(word.start, shown(word.text, 30)) for word in words]
    sure = {(word.start, shown(word.text, 30)): word.confidence >= SURE for word in words}
    for at, line, text in _spread(told, _WORD_LINES, end):
        axes.text(
            at, _WORD_LINES - 1 - line, text, fontsize=8, va="center", clip_on=True,
            color="black" if sure[at, text] else "#AAAAAA", parse_math=False,
        )  # fmt: skip
    if not words:
        axes.text(0.5, 0.5, "no words", transform=axes.transAxes, ha="center", color="#AAAAAA")


def _draw_verdict(axes: Axes, played: Played, end: float) -> None:
    """What would have been made of the caller, moment by moment; at last what was."""
    axes.set_ylabel("verdict", rotation=0, ha="right", va="center")
    axes.set_ylim(0, 1)
    runs: list[tuple[float, str]] = []
    for opinion in played.opinions:
        if opinion.at < played.settled and (not runs or runs[-1][1] != opinion.kind):
            runs.append((opinion.at if runs else 0.0, opinion.kind))
    if played.ending.verdict and (not runs or runs[-1][1] != played.ending.verdict):
        runs.append((played.settled, played.ending.verdict))
    ends = [at for at, _ in runs[1:]] + [end]
    for (at, kind), until in zip(runs, ends, strict=True):
        axes.axvspan(at, until, color=_COLOURS[Kind(kind)], alpha=0.8, lw=0)
        _label(axes, Span(at, until), 0.5, kind, end)
    axes.axvline(played.settled, color=_LINE, lw=1.5)


def _label(axes: Axes, span: Span, height: float, text: str, end: float) -> None:
    """A text in the middle of a stretch, cut to what fits in it."""
    room = math.floor(span.seconds * _inches(end) / _LETTER)
    if room >= 3:
        axes.text(
            (span.start + span.end) / 2, height, shown(text, room), fontsize=8,
            ha="center", va="center", parse_math=False, clip_on=True,
        )  # fmt: skip


def _spread(
    told: Sequence[tuple[float, str]], lines: int, end: float
) -> list[tuple[float, int, str]]:
    """Texts with the line that each stands in: the first that has room, else none is drawn."""
    free = [0.0] * lines
    placed: list[tuple[float, int, str]] = []
    for at, text in told:
        line = next((n for n in range(lines) if free[n] <= at), None)
        if line is not None:
            placed.append((at, line, text))
            free[line] = at + (len(text) + 2) * _LETTER / _inches(end)
    return placed


def _inches(end: float) -> float:
    """How wide a second is."""
    return 0.9 * _SIZE[0] / end
