"""Campaigns during calls: real speech, a real fingerprint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from screener.campaigns import campaignfile, fingerprint
from screener.campaigns.learning import CallTracker, Campaigns, day, judge, known_in
from screener.core import campaign, soundprint
from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, decode_ulaw
from screener.core.campaign import Known, Standing
from screener.core.hearing import Hearing
from screener.core.script import Likeness, Listen
from screener.core.verdict import Kind
from screener.errors import CampaignError
from tests.calls import speech
from tests.core.test_campaign import AT, lesson
from tests.shell.test_campaignfile import campaigns_of, kept

UNWANTED = str(Kind.UNWANTED_ROBOT)
BILL = (
    "Hello, this is an apology call from your electric utility. You were overcharged, and you will"
    " be reimbursed by fifty dollars along with a thirty percent discount on your electric and gas"
    " bill. Please press one to get your rebate check."
)
PARCEL = (
    "This call is from customs and border protection. The reason of this call is to inform you that"
    " a package has been seized under your name. Press one to connect with an officer now, or press"
    " two to ignore this warning and hear from the court."
)


class Ear:
    """Hears a sound as a call does, and what its tracker finds; `speech` is how much it was fed."""

    def __init__(self, tracker: CallTracker, sound: bytes) -> None:
        self.likeness: Likeness | None = None
        self.fed = 0.0
        self._tracker = tracker
        hearing = Hearing((), self)
        hearing.begin(Listen(("prompt",), frozenset(), enough=lambda _: self.likeness is not None))
        for at in range(0, len(sound) - FRAME_BYTES + 1, FRAME_BYTES):
            hearing.frame(sound[at : at + FRAME_BYTES])
            if hearing.heard is not None:
                break

    def feed(self, frame: bytes) -> None:
        self.fed += FRAME_SECONDS
        self._tracker.feed(frame)

    def found(self, words: str, now: float) -> Likeness | None:
        self.likeness = self._tracker.found(words, now)
        return self.likeness


def tracked(sound: bytes, known: Known | None = None) -> tuple[CallTracker, Ear]:
    now = known or Known()
    tracker = CallTracker(lambda: now, lambda when: f"{when:%a %d %b}")
    return tracker, Ear(tracker, sound)


def taught(*sounds: bytes) -> Known:
    """What is known after calls that played these."""
    known = Known()
    for sound in sounds:
        tracker, _ = tracked(sound)
        new = campaign.learnt(known, tracker.lesson(Kind.UNWANTED_ROBOT, AT, "", ()))
        assert new is not None
        known = known.with_(new)
    return known


def over_the_line(pcm: bytes, missing: float = 0.0, after: float = 0.0) -> bytes:
    """Another call's copy: later, without its beginning, softer, through mu-law, with noise."""
    cut = 2 * round(missing * 8000)
    sound = speech.silence(after) + speech.change_level(pcm[cut:], -8.0) + speech.silence(2.0)
    noisy = speech.mix(sound, speech.line_noise(speech.seconds_of(sound), -50.0))
    return decode_ulaw(speech.ulaw(noisy))


# The sound ---------------------------------------------------------------------------------------


def test_a_robocall_is_known_again_within_eight_seconds_of_speech() -> None:
    known = taught(speech.say(BILL, "flite:rms"), speech.say(PARCEL, "flite:rms"))
    for missing, after in ((0.0, 0.0), (0.0, 1.037), (0.7, 0.311), (2.5, 2.222)):
        again = over_the_line(speech.say(PARCEL, "flite:rms"), missing, after)
        _, ear = tracked(again, known)
        assert ear.likeness is not None, (missing, after)
        assert ear.likeness.by == "sound"
        assert ear.likeness.calls == 1
        assert ear.likeness.since == "Mon 16 Nov"
        assert ear.fed <= 8.0


def test_the_same_voice_with_other_words_and_the_same_words_in_another_voice_are_others() -> None:
    known = taught(speech.say(BILL, "flite:rms"))
    assert tracked(speech.say(PARCEL, "flite:rms"), known)[1].likeness is None
    assert tracked(speech.say(BILL, "flite:slt"), known)[1].likeness is None


def test_no_recording_is_taken_for_another() -> None:
    """Each of the clips that there are against all others; some are one campaign's own parts."""
    clips = [clip for clip in speech.recordings() if clip.label != "non-speech"]
    long = [(clip, clip.pcm()[: 16000 * 10]) for clip in clips if clip.seconds > 7.0]
    long += [(clip, clip.pcm()) for clip in speech.robocalls() if not clips]
    prints = []
    for clip, sound in long:
        tracker, _ = tracked(sound)
        prints.append((clip, fingerprint.fingerprint(bytes(tracker.speech))))
    index = soundprint.Recordings([items for _, items in prints])
    taken = set()
    for clip, items in prints:
        for alike in index.alike(items):
            other = prints[alike.place][0]
            if not (clip.name == other.name or _one_campaign(clip.transcript, other.transcript)):
                taken.add((clip.name, other.name))
    assert not taken
    assert len(prints) > 60 or not clips


def _one_campaign(one: str, two: str) -> bool:
    """Whether eight words in a row are the same: parts of one script."""
    runs = []
    for text in (one, two):
        said = "".join(c for c in text.lower() if c.isalnum() or c == " ").split()
        runs.append({tuple(said[at : at + 8]) for at in range(len(said) - 7)})
    return bool(runs[0] & runs[1])


def test_the_tracker_keeps_no_more_speech_than_it_can_use() -> None:
    tracker, _ = tracked(speech.say(BILL) * 8)
    assert len(tracker.speech) < 34 * 16000


def test_a_tracker_finds_the_same_whatever_it_is_asked_in_between() -> None:
    known = taught(speech.say(BILL, "flite:rms"))
    again = over_the_line(speech.say(BILL, "flite:rms"), 0.3, 0.5)
    found = [tracked(again, known)[1].likeness for _ in range(3)]
    assert found[0] is not None
    assert found[0] == found[1] == found[2]


def test_without_chromaprint_words_are_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_library", lambda: None)
    assert "by their words only" in fingerprint.trouble()
    assert "libchromaprint1" in fingerprint.trouble()
    assert len(fingerprint.fingerprint(speech.say(BILL))) == 0
    new = campaign.learnt(Known(), lesson(fingerprint.fingerprint(b""), words=BILL))
    assert new is not None
    twice = Known([new]).with_(campaign.learnt(Known([new]), lesson(words=BILL)) or new)
    tracker = CallTracker(lambda: twice, str)
    tracker.feed(bytes(16000 * 7))
    found = tracker.found(BILL, 7.5)
    assert found is not None
    assert found.by == "words"


def test_with_chromaprint_nothing_is_to_be_said() -> None:
    assert fingerprint.trouble() == ""
    assert len(fingerprint.fingerprint(b"")) == len(fingerprint.fingerprint(b"\0")) == 0
    odd = fingerprint.fingerprint(speech.say(BILL) + b"\0")
    assert len(odd) > 40


# In the service ----------------------------------------------------------------------------------


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return campaignfile.folder(tmp_path)


async def call(
    campaigns: Campaigns, sound: bytes, verdict: str = UNWANTED, number: str = "+18055550142"
) -> Likeness | None:
    """A call that plays a sound, live: what was found by its end."""
    tracker = campaigns.tracker()
    Ear(tracker, sound)
    await campaigns.settled(20.0)
    likeness = tracker.found("", 99.0)
    campaigns.over(tracker, verdict, AT, number, ("press one",))
    await campaigns.settled(20.0)
    return likeness


async def test_what_a_call_taught_is_known_after_a_restart(where: Path) -> None:
    sound = speech.say(BILL, "flite:rms")
    first = Campaigns(where, ZoneInfo("America/Los_Angeles"))
    assert first.open() == []
    assert await call(first, sound) is None
    await first.close()
    second = Campaigns(where, ZoneInfo("America/Los_Angeles"))
    assert second.open() == []
    likeness = await call(second, over_the_line(sound, 0.5, 0.5), number="+14155550100")
    assert likeness is not None
    assert (likeness.calls, likeness.wanted) == (1, False)
    await second.close()
    known, troubles = known_in(where.parent)
    (one,) = known.campaigns.values()
    assert (one.calls, one.numbers, one.phrases, troubles) == (2, 2, ("press one",), [])
    assert one.id == likeness.campaign


async def test_nothing_of_the_sound_is_on_disk_and_nobody_elses_to_read(where: Path) -> None:
    campaigns = Campaigns(where, None)
    campaigns.open()
    await call(campaigns, speech.say(BILL, "flite:rms"))
    await campaigns.close()
    nothing_to_hear(where)


def nothing_to_hear(where: Path) -> None:
    (path,) = where.glob("*.json")
    assert path.stat().st_size < 4000  # 20 s of it were 320,000 bytes
    assert "+18055550142" not in path.read_text()
    assert where.stat().st_mode & 0o077 == 0


async def test_a_forgotten_campaign_is_obeyed_by_the_next_call(where: Path) -> None:
    sound = speech.say(BILL, "flite:rms")
    campaigns = Campaigns(where, None)
    campaigns.open()
    await call(campaigns, sound)
    found = await call(campaigns, sound)
    assert found is not None
    judge(where, found.campaign, Standing.NEVER)
    assert await call(campaigns, sound) is None
    assert await call(campaigns, sound) is None
    (one,) = campaigns.known.campaigns.values()
    assert (one.standing, one.calls) == (Standing.NEVER, 2)
    judge(where, found.campaign, Standing.UNWANTED)
    assert await call(campaigns, sound) is not None
    await campaigns.close()


async def test_a_call_that_is_over_does_not_bring_back_what_was_just_forgotten(where: Path) -> None:
    sound = speech.say(BILL, "flite:rms")
    campaigns = Campaigns(where, None)
    campaigns.open()
    await call(campaigns, sound)
    tracker = campaigns.tracker()
    Ear(tracker, sound)
    await campaigns.settled(20.0)
    (name,) = campaigns.known.campaigns
    judge(where, name, Standing.NEVER)
    campaigns.over(tracker, UNWANTED, AT, "", ())
    await campaigns.close()
    assert campaignfile.read_all(where)[0][0].standing is Standing.NEVER


async def test_a_person_who_sounds_like_it_puts_it_in_doubt(where: Path) -> None:
    sound = speech.say(BILL, "flite:rms")
    campaigns = Campaigns(where, None)
    campaigns.open()
    await call(campaigns, sound)
    assert await call(campaigns, sound, str(Kind.PERSON)) is not None
    assert await call(campaigns, sound, str(Kind.PERSON)) is None
    (one,) = campaigns.known.campaigns.values()
    assert one.standing is Standing.DOUBTED
    await campaigns.close()


async def test_so_many_new_ones_an_hour_and_no_more(where: Path) -> None:
    campaigns = Campaigns(where, None, hourly=1)
    campaigns.open()
    await call(campaigns, speech.say(BILL, "flite:rms"))
    await call(campaigns, speech.say(PARCEL, "flite:rms"))
    assert len(campaigns.known.campaigns) == 1
    assert await call(campaigns, speech.say(BILL, "flite:rms")) is not None  # it is counted still
    await campaigns.close()


async def test_the_calls_of_people_and_failed_calls_teach_nothing(where: Path) -> None:
    campaigns = Campaigns(where, None)
    campaigns.open()
    for verdict in (Kind.PERSON, Kind.SILENT, Kind.UNSURE, ""):
        await call(campaigns, speech.say(BILL), str(verdict))
    await campaigns.close()
    assert campaignfile.read_all(where) == ([], [])


@pytest.fixture
def blocked(where: Path) -> Path:
    where.write_text("a file where the folder should be")
    return where


async def test_a_clock_that_is_not_set_teaches_nothing(where: Path) -> None:
    campaigns = Campaigns(where, None)
    campaigns.open()
    tracker = campaigns.tracker()
    Ear(tracker, speech.say(BILL))
    campaigns.over(tracker, UNWANTED, datetime(1970, 1, 1, tzinfo=UTC), "", ())
    await campaigns.close()
    assert campaignfile.read_all(where) == ([], [])


async def test_a_folder_that_cannot_be_written_costs_no_call(
    blocked: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = blocked
    campaigns = Campaigns(where, None)
    (trouble,) = campaigns.open()
    assert str(where) in trouble
    assert await call(campaigns, speech.say(BILL)) is None
    await campaigns.close()
    assert str(where) in caplog.text
    assert "Traceback" not in caplog.text


def test_a_day_is_told_by_the_owners_clock() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    when = datetime(2026, 11, 17, 3, 0, tzinfo=UTC)
    assert day(when, zone, when + timedelta(days=2)) == "Mon 16 Nov"
    assert day(when, zone, when + timedelta(days=400)) == "16 Nov 2026"


def test_an_unknown_campaign_is_named_and_no_path_is_followed(where: Path) -> None:
    outside = where.parent / "outside.json"
    kept(where, *campaigns_of(1))
    outside.write_bytes(next(where.glob("*.json")).read_bytes())
    for name in ("nosuchid", "../outside", "", "\x1b[2J"):
        with pytest.raises(CampaignError, match="there is no campaign") as refused:
            judge(where, name, Standing.NEVER)
        assert str(refused.value).isprintable()
