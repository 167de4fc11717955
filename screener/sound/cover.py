"""The picture of a box's podcast, as players show it: square, and as large as Apple asks.

Matplotlib draws it once for each box; it is loaded only then (0.5 s).
"""

from __future__ import annotations

import os
from pathlib import Path

SIZE = 1400
"""Pixels of each side: Apple takes from 1400 to 3000."""

_GROUND, _BUBBLE, _WAVE = "#0b3d66", "#ffffff", "#d55e00"
# A voice, as bars: how high each is, of the most that there is room for.
_BARS = (0.18, 0.36, 0.62, 0.30, 0.84, 1.0, 0.58, 0.76, 0.40, 0.66, 0.34, 0.20)
_DPI = 100
_LONGEST = 18  # characters of a name that stand in one line


def of(folder: Path, box: str) -> Path:
    """The cover of a box (a PNG file in `folder`), drawn where there is none yet. Raises OSError.

    A box's name is letters, digits, "-" and "_" (tables.safe_name).
    """
    path = folder / f"{box}.png"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{box}-{os.getpid()}.part"
        try:
            _draw(part, box)
            part.replace(path)  # one that a power cut takes away is drawn again
        finally:
            part.unlink(missing_ok=True)
    return path


def _draw(path: Path, box: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - 0.5 s
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle  # noqa: PLC0415

    figure = Figure(figsize=(SIZE / _DPI, SIZE / _DPI), dpi=_DPI, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    bubble = FancyBboxPatch(
        (0.19, 0.43), 0.62, 0.36, "round,pad=0.03,rounding_size=0.09", color=_BUBBLE
    )
    axes.add_patch(bubble)
    axes.add_patch(Polygon([(0.30, 0.45), (0.48, 0.45), (0.27, 0.31)], color=_BUBBLE))
    step = 0.56 / len(_BARS)
    for at, high in enumerate(_BARS):
        x, height = 0.22 + step * at, 0.30 * high
        axes.add_patch(Rectangle((x + step * 0.2, 0.61 - height / 2), step * 0.6, height,
                                 color=_WAVE))  # fmt: skip
    size = 110 * min(1.0, _LONGEST / len(box))
    axes.text(0.5, 0.17, box, color=_BUBBLE, size=size, ha="center", va="center",
              weight="bold", parse_math=False)  # fmt: skip
    figure.savefig(path, format="png", facecolor=_GROUND)
