"""The last good rules survive a kill at any moment of being copied."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from screener.config import Settings, load
from screener.rules.inforce import GOOD, RulesInForce
from tests.shell.household import PLAIN, Write

FILES = 100  # so that copying them takes a while
_OPEN = """
import sys
from pathlib import Path
from screener.config import load
from screener.rules.inforce import RulesInForce
settings = load(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    RulesInForce(settings).open()
"""


@pytest.fixture
def settings(write: Write) -> Settings:
    return load(write(PLAIN))


def write_rules(settings: Settings, label: str) -> None:
    for number in range(FILES):
        path = settings.rules / f"{number:03}.rules"
        path.write_text(f'block from +1900555{number:04} "{label}"\n')


def last_good(settings: Settings) -> list[str]:
    """The labels of the rules that a start finds where those of the owner are broken."""
    broken = settings.rules / "999.rules"
    broken.write_text("blok\n")
    in_force = RulesInForce(settings)
    in_force.open()
    broken.unlink()
    assert in_force.state.copied
    return [rule.label for rule in in_force.rules.rules]


def test_a_kill_while_the_rules_are_copied_leaves_a_whole_copy(settings: Settings) -> None:
    write_rules(settings, "0")
    RulesInForce(settings).open()
    for turn in range(1, 7):
        write_rules(settings, str(turn))
        with subprocess.Popen(
            [sys.executable, "-c", _OPEN, str(settings.path)], stdout=subprocess.PIPE
        ) as opening:
            assert opening.stdout is not None
            assert opening.stdout.readline() == b"ready\n"
            time.sleep(0.037 * turn)  # any moment will do
            opening.kill()
        labels = last_good(settings)
        assert len(labels) == FILES
        assert len(set(labels)) == 1


def test_what_a_crash_left_as_the_only_copy_is_not_deleted_before_there_is_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rules(settings, "old")
    RulesInForce(settings).open()
    good = settings.data / GOOD
    good.rename(good.with_name(f"{GOOD}.old"))  # as a kill between two renames leaves it
    write_rules(settings, "new")

    def fails(self: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "rename", fails)
        RulesInForce(settings).open()
    assert set(last_good(settings)) == {"old"}
    RulesInForce(settings).open()
    assert set(last_good(settings)) == {"new"}
