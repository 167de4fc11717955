"""How long prompts play where none has been rendered: tones by what they are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener import config, starter
from screener.rehearsal.panel import lengths
from screener.voice.prompts import REQUIRED


def test_prompts_without_a_sound_have_a_length(tmp_path: Path) -> None:
    starter.write(tmp_path)
    seconds = lengths(config.load(tmp_path / config.FILE))
    assert all(0.1 < seconds(name) < 60 for name in REQUIRED)
    assert seconds("beep") == pytest.approx(0.35)
    assert seconds("nearly-over") == pytest.approx(0.34)
    assert seconds("greeting") > 1
