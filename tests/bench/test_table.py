"""What the tables say, and what SIPp's and the kernel's own tables are read as."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from tests.bench import table
from tests.bench.crowd import each, remarks
from tests.bench.delay import Visit, gaps
from tests.bench.deliveries import Delivered, deliveries
from tests.bench.encoding import Encoded, encodings
from tests.bench.figures import DEAF, DIALPLAN, SCREENED, Imported, Lists, Looked, Memory, Rulings
from tests.bench.machine import processor
from tests.bench.messages import Kept, messages
from tests.bench.meter import Reading, Use, dropped
from tests.bench.reports import Reported, reports
from tests.bench.rulings import rulings
from tests.bench.test_figures import cost, figures, level
from tests.bench.traffic import Press, Traffic, last_count
from tests.shell.kills import content


def test_the_tables_show_the_ratio_the_share_and_the_error() -> None:
    costs = (cost(DIALPLAN, 10.0), cost(SCREENED, 25.0, 15.0), cost(DEAF, 20.0, 10.0))
    run = figures(costs, (level(10), level(20, "[bold]3 packets lost")))
    written = io.StringIO()
    table.show(run, Console(file=written, width=120))
    shown = written.getvalue()
    assert "4.0 x the dialplan" in shown
    assert "listening is 25 %" in shown
    assert "10 without an error" in shown
    assert "[bold]3 packets lost" in shown
    assert "70.0" in shown


def test_a_run_without_crowds_can_be_shown() -> None:
    written = io.StringIO()
    table.show(figures(), Console(file=written, width=120))
    assert "0 without an error" in written.getvalue()


def test_rulings_show_which_are_too_slow() -> None:
    fast, slow = Rulings("quick ones", 1000, 0.2, 0.5, 9.0), Rulings("slow ones", 1000, 0.9, 1.5, 9)
    written = io.StringIO()
    console = Console(file=written, width=120, force_terminal=True, legacy_windows=False)
    console.print(table.rulings(replace(figures(), rulings=(fast, slow))))
    lines = {word: line for line in written.getvalue().splitlines() for word in line.split()}
    assert "\x1b[32m" in lines["quick"]
    assert "\x1b[1;31m" in lines["slow"]


def test_one_call_is_decided_against_a_thousand_rules() -> None:
    """That the bench measures what it says: rules that parse, of which none matches."""
    assert [found.rules for found in rulings(100)] == [1000, 1000]


def test_number_lists_show_how_many_times_the_others_take_and_what_is_too_slow() -> None:
    own = Looked("own list", 2.0, 6.0, 8.5, 12.0, 0.1)
    other = Looked("other store", 10.0, None, 17.0, 60.0, 6.0)
    slow = Imported("complaints", "screener", 100_000, 1.5, 90.0)
    found = Lists(1_000_000, (own, other), (slow,))
    written = io.StringIO()
    console = Console(file=written, width=120, force_terminal=True, legacy_windows=False)
    table.show(replace(figures(), lists=found), console)
    shown = written.getvalue()
    assert "\x1b[1;31m6.0" in shown.replace(" ", "")
    assert "\x1b[32m8.5" in shown.replace(" ", "")
    assert "10.0 (5.0 x)" in shown
    assert "17.0 (2.0 x)" in shown
    assert "\x1b[1;31m1.5" in shown.replace(" ", "")


def test_use_is_the_difference_and_others_the_rest() -> None:
    before = Reading(10.0, 1.0, 2.0, 5.0, 20.0)
    after = Reading(12.0, 1.5, 2.25, 6.0, 22.0)
    assert Use.between(before, after) == Use(2.0, 0.5, 0.25, 1.0)


def test_dropped_datagrams_are_read_by_socket() -> None:
    udp = """  sl  local_address rem_address   st tx_queue rx_queue tr ... ref pointer drops
  7: 0100007F:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 4711 2 abc 12
  8: 0100007F:14EA 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 4712 2 abc 3
"""
    assert dropped(udp, {"4711", "9"}) == {"4711": 12}


def test_the_last_whole_line_of_statistics_counts() -> None:
    rows = "StartTime;SuccessfulCall(C);FailedCall(C)\n1;2;0\n2;5;1\n3;7"
    assert last_count(rows, "SuccessfulCall(C)") == 5
    assert last_count("StartTime;FailedCall(C)\n", "FailedCall(C)") == 0


def test_gaps_in_a_prompt_wrap_around() -> None:
    heard = [(65534, 1.0), (65535, 1.02), (1, 1.16), (2, 1.18)]
    lost, pause = gaps(heard)
    assert lost == 1
    assert round(pause, 3) == 0.14
    assert gaps([]) == (0, 0.0)


def test_a_caller_complains_of_what_exceeds_its_limit() -> None:
    assert remarks(Visit(0.1, 0.02, 0, 0.03)) == []
    assert remarks(Visit(0.1, 0.7, 2, 0.03)) == [
        "2 packets of the prompt lost",
        "key to ring 700 ms, more than 500",
    ]


def test_what_each_call_has_added() -> None:
    assert each(Memory(90.0, 70.0), Memory(70.0, 60.0), 20) == 0.5


def test_the_processors_name() -> None:
    assert processor("processor\t: 0\nmodel name\t: Some CPU\n") == "Some CPU"
    assert processor("Model\t\t: Raspberry Pi 4\n") == "Raspberry Pi 4"
    assert processor("") == "unknown"


def test_a_caller_without_a_key_presses_none() -> None:
    listener = Traffic(("127.0.0.1", 5060), "plain", stays=18.0).scenario()
    assert "CSeq: 2 INFO" not in listener
    assert "{{" not in listener
    keyer = Traffic(("127.0.0.1", 5060), "plain", stays=2.0, key=Press("2", 1.0)).scenario()
    assert "Signal=2" in keyer
    assert "{{" not in keyer


def test_a_report_shows_what_it_took_and_what_is_too_slow() -> None:
    written = io.StringIO()
    console = Console(file=written, width=140, force_terminal=True, legacy_windows=False)
    found = Reported(1_000_000, 9_906, 0.66, 1.44, 2.13, 0.001, 0.121, 770.0)
    console.print(table.reports(found))
    [line] = [line for line in written.getvalue().splitlines() if "screener's report" in line]
    assert line.index("\x1b[32m") < line.index("1.44") < line.index("\x1b[1;31m")
    assert line.index("\x1b[1;31m") < line.index("2.13") < line.index("770")


def test_a_week_out_of_some_calls_is_reported() -> None:
    """That the bench measures what it says: all the calls, and of these a week that has some."""
    found = reports(20_000)
    assert found.calls == 20_000
    assert 0 < found.week < found.calls
    assert min(found.data, found.whole, found.first, found.read, found.counted) > 0
    assert found.bytes_each > 100


def test_an_hour_long_message_shows_what_it_took_and_what_is_too_slow() -> None:
    for taken, mark in ((0.012, "\x1b[32m"), (1.2, "\x1b[1;31m")):
        written = io.StringIO()
        console = Console(file=written, width=140, force_terminal=True, legacy_windows=False)
        console.print(table.kept(Kept(3600.0, taken, 0.13, 0.004, 88.6, 88.5)))
        [line] = [line for line in written.getvalue().splitlines() if "screener keeps" in line]
        assert line.index(mark) < line.index(f"{taken:.3f}") < line.index("0.40")


def test_a_message_of_some_seconds_is_kept() -> None:
    """That the bench measures what it says: a message that is spoken, and is in the queue then."""
    found = messages(12.0)
    assert found.seconds == 12.0
    assert min(found.kept, found.disk, found.share, found.memory, found.short) > 0


def test_encodings_show_what_is_too_slow_and_what_ffmpeg_alone_does() -> None:
    fast = Encoded("opus", 24000, 3600.0, 150.0, 225.0, 55.0, 56.0)
    slow = Encoded("mp3", 32000, 3600.0, 90.0, 180.0, 55.0, 56.0)
    written = io.StringIO()
    console = Console(file=written, width=120, force_terminal=True, legacy_windows=False)
    console.print(table.encodings((fast, slow)))
    lines = {word: line for line in written.getvalue().splitlines() for word in line.split()}
    assert "\x1b[32m" in lines["opus"]
    assert "1.5 x" in lines["opus"]
    assert "\x1b[1;31m" in lines["mp3"]


def test_a_message_is_encoded_in_both_formats() -> None:
    """That the bench measures what it says: encodings that succeed."""
    found = encodings(5.0)
    assert [each.form for each in found] == ["mp3", "opus"]
    assert all(min(each.ours, each.bare, each.minute_mb, each.whole_mb) > 0 for each in found)


def test_mails_that_are_lost_or_come_twice_without_a_cause_stand_out() -> None:
    for lost, uncaused in ((0, 0), (1, 0), (0, 1)):
        written = io.StringIO()
        console = Console(file=written, width=160, force_terminal=True, legacy_windows=False)
        found = Delivered(1000, 22_000, 30.0, 6.0, 3.0, 9, 1400, lost, 31, uncaused, 0.5, 0, 0)
        console.print(table.deliveries(found))
        assert ("\x1b[1;31m" in written.getvalue()) is bool(lost or uncaused)
        assert "30.0 (10.0 x)" in written.getvalue()


def test_some_mails_are_delivered_to_a_server_that_misbehaves() -> None:
    """That the bench measures what it says: all of them arrive."""
    found = deliveries(20)
    assert (found.count, found.lost, found.uncaused, found.grows) == (20, 0, 0, False)
    assert found.size > len(content(1).as_bytes())  # one of them has its sound
    assert found.tries >= 20
    assert min(found.troubled, found.calm, found.bare) > 0
