"""The pictures of the weekly report: calls by what became of them, and when they came in.

Matplotlib draws them without a screen; it is loaded when the first picture is drawn (0.5 s, 60 MB).
A front door that takes calls has them drawn by a process of their own (`draw_apart`). They are for
a telephone's width, where their letters are as small as they may be, and on white with a margin: so
they are as legible on a dark page. The same report gives the same bytes.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from screener.core.report import Report
from screener.core.reportpicture import CALLS, DAYS, HOURS, SHOWN, bars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

# Okabe and Ito's colours, which those who cannot tell red from green can tell apart; each is also
# lighter or darker than its neighbours.
_COLOURS = ("#009E73", "#56B4E9", "#F0E442", "#E69F00", "#D55E00", "#999999", "#0072B2")
_INK, _PALE = "#1c1e21", "#5c6370"
# Inches and dots: 840 pixels wide, shown at half that on a desktop and less on a telephone.
_WIDTH, _DPI = 4.2, 200
_LETTERS = 9  # points, of 1/72 inch
_RIGHT, _ABOVE = 0.18, 0.06  # inches of margin
_MOST_LABELS = 8
_GIVE_WAY = 10  # how much less of the processor drawing asks for than calls (nice)
_PATIENCE = 120.0  # seconds for a drawing, on a machine that has other things to do


def draw(report: Report) -> dict[str, bytes]:
    """The pictures as PNG, by their names (core/reportpicture.py); none of no calls."""
    if not report.calls:
        return {}
    return {CALLS: _png(_calls(report)), HOURS: _png(_hours(report))}


def draw_apart(report: Report) -> dict[str, bytes]:
    """The same, drawn by a process that gives way to calls. None where that failed: their figures
    stand in the report as words, too."""
    if not report.calls:
        return {}
    try:
        drawn = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "screener.report.charts"],
            input=pickle.dumps(report),
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.SubprocessError) as failed:  # no process is to be had, or it hangs
        log.error("the report has no pictures: %s", failed)
        return {}
    if drawn.returncode != 0:
        lines = drawn.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        log.error("the report has no pictures: %s", lines[-1])
        return {}
    found: dict[str, bytes] = pickle.loads(drawn.stdout)
    return found


def _figure(height: float, left: float, below: float) -> tuple[Figure, Axes]:
    """A figure and its axes, with room for labels (inches). Fixed, as finding out how much is
    needed takes as long as drawing."""
    import matplotlib as mpl  # noqa: PLC0415 - 0.5 s
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"font.size": _LETTERS, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI)
        FigureCanvasAgg(figure)
        wide, high = 1 - (left + _RIGHT) / _WIDTH, 1 - (below + _ABOVE) / height
        axes = figure.add_axes((left / _WIDTH, below / height, wide, high))
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=_INK, labelsize=_LETTERS)
    return figure, axes


def _calls(report: Report) -> Figure:
    """A bar for each period, striped by what became of its calls; this one is framed."""
    figure, axes = _figure(3.0, 0.1, 0.85)
    found = bars(report)
    places = range(len(found))
    ground = [0] * len(found)
    for n, (name, colour) in enumerate(zip(SHOWN, _COLOURS, strict=True)):
        heights = [bar.counts[n] for bar in found]
        if any(heights):
            axes.bar(places, heights, 0.72, ground, color=colour, label=name, lw=0)
            ground = [low + more for low, more in zip(ground, heights, strict=True)]
    for at, bar in enumerate(found):
        last = at == len(found) - 1
        weight = "bold" if last else "normal"
        axes.annotate(
            f"{bar.calls:,}", (at, bar.calls), (0, 2), textcoords="offset points",
            ha="center", color=_INK, fontsize=_LETTERS, fontweight=weight,
        )  # fmt: skip
    axes.set_xticks(places, _labels([bar.label for bar in found]))
    axes.get_xticklabels()[-1].set_fontweight("bold")
    axes.set_yticks([])
    axes.set_ylim(0, max(1, *(bar.calls for bar in found)) * 1.12)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, frameon=False,
        fontsize=_LETTERS, handlelength=1.0, handleheight=1.0, columnspacing=1.2,
    )  # fmt: skip
    return figure


def _labels(names: Sequence[str]) -> list[str]:
    """Names of bars, day above month, so that they stand beside each other."""
    step = -(-len(names) // _MOST_LABELS)
    shown = [name.replace(" ", "\n") for name in names]
    return [name if (len(names) - 1 - n) % step == 0 else "" for n, name in enumerate(shown)]


def _hours(report: Report) -> Figure:
    """A square for each hour of each day of the week, the darker the more calls; with the figure in
    those that are the busiest."""
    figure, axes = _figure(2.2, 0.42, 0.26)
    most = max(max(hours) for hours in report.hours)
    axes.imshow(report.hours, cmap="Blues", vmin=0, vmax=max(1, most) * 1.15, aspect="auto")
    axes.set_yticks(range(7), DAYS)
    axes.set_xticks([-0.5, 5.5, 11.5, 17.5, 23.5], ["0", "6", "12", "18", "24 h"])
    for n in range(1, 24):
        axes.axvline(n - 0.5, color="white", lw=1.2 if n % 6 else 2.4)
    for n in range(1, 7):
        axes.axhline(n - 0.5, color="white", lw=1.2)
    for day, hours in enumerate(report.hours):
        for hour, calls in enumerate(hours):
            if calls and calls == most:
                axes.text(
                    hour, day, f"{calls:,}", ha="center", va="center", color="white",
                    fontsize=_LETTERS - 1, fontweight="bold",
                )  # fmt: skip
    return figure


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white", metadata={"Software": None})
    return file.getvalue()


if __name__ == "__main__":
    os.nice(_GIVE_WAY)
    sys.stdout.buffer.write(pickle.dumps(draw(pickle.load(sys.stdin.buffer))))
