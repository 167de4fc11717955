"""The demo's scenes with menus: callers find their way by keys, in English and in German."""

from __future__ import annotations

import asyncio

from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech
from tests.calls.narrator import Narrator
from tests.calls.scenes import Scene, Seen, both_hear_each_other, connected
from tests.calls.scenes_house import GERMAN, LIKE, press
from tests.calls.stage import STRANGER, Stage


async def nested(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Keys lead from menu to menu, over their prompts, and to a person."""
    office = stage.phones["office"]
    async with stage.caller(STRANGER, name="Jo Miller") as call:
        await call.answered()
        await call.hear_sound(within=5)
        keyed = await press(call, tell, "3", "4", "6")
        rung = await office.rang(within=10)
        await office.answered(within=5)
        await both_hear_each_other(call, office, seen)
        await call.hang_up()
    seen.expect(stage.rung == ("office",), f"{stage.rung} rang, not the office")
    seen.soon = f"{rung.invited - keyed:.2f} s from the last key to ring"
    await connected(stage, seen, "office")
    seen.expect(
        asked(stage, await stage.row(within=20))[:3]
        == ["greeting, menu-main", "menu-services", "menu-repairs"],
        "the menus were not read out one after the other",
    )


async def spelled(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """A name is spelled on the keys; the only one that begins so rings."""
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await study.will("never")
    async with stage.caller(STRANGER, name="Jo Miller") as call:
        await call.answered()
        await call.hear_sound(within=5)
        await press(call, tell, "9")
        tell.tell("the caller spells o-t-t: 6 8 8")
        keyed = await call.key("688")
        rung = await kitchen.rang(within=15)
        await kitchen.answered(within=5)
        await both_hear_each_other(call, kitchen, seen)
        await call.hang_up()
    seen.expect(stage.rung == ("kitchen", "study"), f"{stage.rung} rang, not the family")
    seen.soon = f"{rung.invited - keyed:.2f} s from the last key to ring"
    await connected(stage, seen, "kitchen")


async def call_back(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Leaves the number that he shows; the mail and a text message on a phone name it."""
    async with stage.caller(STRANGER, name="Jo Miller") as call:
        await call.answered()
        await call.hear_sound(within=5)
        await press(call, tell, "7")
        await call.hear_quiet(1.2, within=30)
        tell.tell("the caller has heard his number read out")
        keyed = await press(call, tell, "1")
        result = await call.ended(within=20)
    letter = await stage.mail.letter(within=120)
    text = await stage.phones["office"].got_text(within=5)
    wanted = "Please call +1 805 555 0142 (Jo Miller)"
    seen.expect(letter.subject == wanted, f'the mail says "{letter.subject}"')
    seen.expect(letter.recipients == ("calls@example.net",), f"it went to {letter.recipients}")
    seen.expect(text == wanted, f'the phone was sent "{text}"')
    seen.expect(result.hung_up_by == "callee", "the caller had to hang up himself")
    seen.expect(not stage.rung, f"{stage.rung} rang")
    row = await stage.row(within=20)
    seen.expect(row.outcome == Outcome.ASKED_BACK, f"its row says {row.outcome}")
    seen.what, seen.why = f'mailed, and sent to a phone: "{text}"', row.reason
    seen.soon = f"mailed {letter.at - keyed:.1f} s after his choice"


async def german(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """The number in Berlin answers in German."""
    office = stage.phones["office"]
    greetings = {
        language: await asyncio.to_thread(stage.prompt, "greeting", language)
        for language in ("de", "en")
    }
    async with stage.caller("+493055501420", name="Jürgen Groß", did=GERMAN) as call:
        await call.answered()
        await call.hear_sound(within=5)
        await asyncio.sleep(speech.seconds_of(greetings["de"]) + 0.3)
        likeness = {
            language: await asyncio.to_thread(speech.likeness, call.heard(), said)
            for language, said in greetings.items()
        }
        tell.tell(f"what he has heard is the German greeting (likeness {likeness['de']:.2f})")
        keyed = await press(call, tell, "2")
        rung = await office.rang(within=10)
        await office.answered(within=5)
        await both_hear_each_other(call, office, seen)
        await call.hang_up()
    seen.expect(likeness["de"] > LIKE, "he was not greeted in German")
    seen.expect(likeness["en"] < LIKE, "he was greeted in English")
    seen.soon = f"{rung.invited - keyed:.2f} s from key to ring"
    await connected(stage, seen, "office")
    seen.what += ", greeted in German"


# What was asked -----------------------------------------------------------------------------------


def asked(stage: Stage, row: CallRow) -> list[str]:
    """The prompts of the call's questions, one question after the other."""
    told = (line.text for line in stage.story(row) if line.text.startswith("playing "))
    return [text.removeprefix("playing ").replace('"', "") for text in told]


SCENES = (
    Scene("10", "A stranger keys his way through menus", nested),
    Scene("11", "A stranger spells a name on the keys", spelled),
    Scene("12", "A stranger asks to be called back", call_back),
    Scene("13", "A call to the German number", german),
)
