"""A test that failed while the machine stood still runs again; any other does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standstill import AGAIN, Watch

REPOSITORY = Path(__file__).parents[2]
TEST = """
import os, pathlib, subprocess, time

def machine_stops():
    stop = f"kill -STOP {os.getpid()}; sleep 0.4; kill -CONT {os.getpid()}"
    subprocess.run(["sh", "-c", stop], check=True)

def test_it():
    runs = pathlib.Path(__file__).with_name("runs")
    ran = int(runs.read_text()) if runs.exists() else 0
    runs.write_text(str(ran + 1))
    if ran < STOPS:
        machine_stops()
    time.sleep(0.02)
    assert ran >= PASSES
"""


class Clock:
    """A clock, and a machine on which every sleep takes as much longer as it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stands_still = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.stands_still


def watch(*late: float) -> Watch:
    clock = Clock()
    watch = Watch(clock, clock.sleep)
    watch.begin()
    for clock.stands_still in late:
        watch.look()
    return watch


def test_a_machine_that_runs_stands_still_for_no_time() -> None:
    ran = watch(*[0.0, 0.02, 0.049] * 100)
    assert ran.seconds == 0
    assert not ran.excuses()


def test_a_stop_of_all_processors_is_one_stop() -> None:
    clock = Clock()
    watch = Watch(clock, clock.sleep)
    watch.begin()
    clock.stands_still = 1.0
    watch.look()
    clock.now -= 1.005  # the other processor's look at the same time
    watch.look()
    assert watch.seconds == pytest.approx(1.005)


@pytest.mark.parametrize("late", [(2.0,), (0.06, 0.06, 0.06)])
def test_stops_add_up(late: tuple[float, ...]) -> None:
    stopped = watch(*late)
    assert stopped.seconds == pytest.approx(sum(late))
    assert stopped.excuses()


def test_what_lies_before_a_test_is_not_its_own() -> None:
    clock = Clock()
    watch = Watch(clock, clock.sleep)
    clock.stands_still = 1.0
    watch.look()
    clock.now += 5.0
    watch.begin()
    assert not watch.excuses()


def run(folder: Path, *, stops: int, passes: int) -> tuple[int, str, int]:
    """A test run in which the machine stops in the first runs of a test, and the later ones pass:
    its exit status, what it printed, and how often the test ran."""
    text = TEST.replace("STOPS", str(stops)).replace("PASSES", str(passes))
    (folder / "test_it.py").write_text(text)
    plugins = ("tests.conftest", "_hypothesis_pytestplugin", "pytest_rerunfailures")
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(folder), "-raR"),
            *("--disable-plugin-autoload", *(f"-p{plugin}" for plugin in plugins), str(folder)),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        text=True,
    )
    return ended.returncode, ended.stdout, int((folder / "runs").read_text())


def test_who_failed_on_a_machine_that_stood_still_runs_again_and_that_is_told(
    tmp_path: Path,
) -> None:
    status, said, runs = run(tmp_path, stops=1, passes=1)
    assert (status, runs) == (0, 2)
    assert "1 passed" in said
    assert "1 rerun" in said
    assert "RERUN test_it.py::test_it" in said


def test_who_failed_on_a_machine_that_ran_has_failed(tmp_path: Path) -> None:
    status, said, runs = run(tmp_path, stops=0, passes=1)
    assert (status, runs) == (1, 1)
    assert "stood still" not in said


def test_who_never_passes_fails_however_often_the_machine_stops(tmp_path: Path) -> None:
    status, said, runs = run(tmp_path, stops=99, passes=99)
    assert (status, runs) == (1, 1 + AGAIN)
    told = re.search(r"The machine stood still for (\S+) s", said)
    assert told is not None
    assert float(told[1]) > 0.3
