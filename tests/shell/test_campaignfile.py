"""Campaigns on a real disk, in a folder whose writer is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from screener.campaigns import campaignexport, campaignfile
from screener.campaigns.campaignrecord import LONGEST_OBJECT
from screener.campaigns.learning import take
from screener.core import campaign, shingles
from screener.core.campaign import Campaign, Known, Lesson, Standing
from screener.core.verdict import Kind
from tests.core.test_campaign import AT, SOUNDS

WORDS = (
    "Hello, this is an apology call from your electric utility. You were overcharged, and you will"
    " be reimbursed by fifty dollars along with a thirty percent discount on your electric and gas"
    " bill. Please press one to get your rebate check."
)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return campaignfile.folder(tmp_path)


def campaigns_of(count: int = 3) -> list[Campaign]:
    made = [
        campaign.begun(
            Lesson(Kind.UNWANTED_ROBOT, AT, SOUNDS[n], WORDS, ("press one",), n), Standing.UNWANTED
        )
        for n in range(count)
    ]
    return [one for one in made if one is not None]


def kept(where: Path, *campaigns: Campaign) -> None:
    with campaignfile.locked(where):
        campaignfile.write(where, campaigns)


def test_what_is_written_is_read_again_as_it_was(where: Path) -> None:
    every = campaigns_of()
    kept(where, *every)
    assert campaignfile.read_all(where) == (sorted(every, key=lambda one: one.id), [])
    with campaignfile.locked(where):
        campaignfile.remove(where, [every[0].id, "nosuchid"])
    assert campaignfile.read(where, every[0].id) is None
    assert campaignfile.read(where, every[1].id) == every[1]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", "\xff" * 9, "{}" + " " * 99999, "[" * 9999]
)
def test_a_damaged_file_is_left_out_and_named(where: Path, damage: str) -> None:
    one, two = campaigns_of(2)
    kept(where, one, two)
    path = where / f"{one.id}.json"
    path.write_text(damage, encoding="latin-1")
    every, (trouble,) = campaignfile.read_all(where)
    assert every == [two]
    assert trouble.startswith(f"{path} is damaged")


def test_the_largest_campaign_that_there_can_be_is_read_again(where: Path, tmp_path: Path) -> None:
    """As a stranger may have made it, and as calls have made it grow since."""
    said = " ".join(f"word{n}" for n in range(2 * shingles.MOST))
    sound = np.arange(campaign.LONGEST, dtype=np.uint32) * 0x9E3779B1
    lesson = Lesson(Kind.UNWANTED_ROBOT, AT, sound, said, (), None)
    one = campaign.begun(lesson, Standing.UNWANTED)
    assert one is not None
    phrases = [chr(0x1F600 + n) * campaign.LONGEST_PHRASE for n in range(campaign.MOST_PHRASES)]
    path = tmp_path / "shared.jsonl"
    campaignexport.export(path, [replace(one, calls=10**6 - 200, phrases=tuple(phrases))])
    taken = take(where, path, AT)
    assert taken.new == 1
    (one,) = campaignfile.read_all(where)[0]
    for n in range(campaign.MOST_MARKS + 1):
        again = campaign.learnt(Known([one]), replace(lesson, mark=2**32 - 1 - n))
        assert again is not None
        one = again
    kept(where, one)
    assert campaignfile.read_all(where) == ([one], [])
    assert (len(one.phrases), len(one.marks), len(one.origin) > 0) == (12, 100, True)
    assert (where / f"{one.id}.json").stat().st_size < LONGEST_OBJECT / 1.5


def test_a_file_under_anothers_name_is_not_used(where: Path) -> None:
    one, two = campaigns_of(2)
    kept(where, one, two)
    (where / f"{one.id}.json").replace(where / f"{two.id}.json")
    assert campaignfile.read_all(where)[0] == []


LEARN_ON = """
import itertools, sys
from pathlib import Path
import numpy as np
from screener.campaigns import campaignfile
from screener.core.campaign import Standing, begun
from tests.core.test_campaign import lesson
from tests.core.test_soundprint import recording
where = Path(sys.argv[1])
for n in itertools.count():
    one = begun(lesson(recording(np.random.default_rng(n % 5)), number=str(n)), Standing.UNWANTED)
    with campaignfile.locked(where):
        campaignfile.write(where, [one])
    print(n, flush=True)
"""


def test_killed_at_any_moment_it_leaves_whole_files(where: Path) -> None:
    for written in (1, 4, 9, 23):
        with subprocess.Popen(
            [sys.executable, "-c", LEARN_ON, str(where)], stdout=subprocess.PIPE, text=True
        ) as learning:
            assert learning.stdout is not None
            for _ in range(written):
                learning.stdout.readline()
            os.kill(learning.pid, signal.SIGKILL)
        every, troubles = campaignfile.read_all(where)
        assert troubles == []
        assert len(every) >= min(written, 5)
    kept(where, *campaigns_of())  # whoever was killed holds no lock
