"""The house of the demo's later scenes: menus, ring groups, a mobile, a number in German."""

from __future__ import annotations

import asyncio

from screener.asterisk.installation import Installation
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.narrator import Narrator
from tests.calls.scenes import HELLO, WHO
from tests.calls.sip import LOOPBACK
from tests.calls.stage import FRIEND, Stage

ANNA, DAD, SISTER = FRIEND, "+14155550101", "+14155550102"
SELLER = "+18055550123"
GERMAN, BELL = "+493012345678", "+18182220011"
MOBILE = "+18055550100"
CALLER_SAYS, SELLER_SAYS = "Jo Miller, about the garden", "this is your roof company"
VOICEMAIL_SAYS = "You have reached my voicemail. Please leave a message."
LIKE = 0.5
"""The likeness from which on words were heard."""

RULES = f"""allow from {ANNA}   "Anna"       ring turn
allow from {DAD}   "Dad"        ring outing
allow from {SISTER}   "my sister"  ring desk
"""
DOOR = 'menu = "main"'
GROUPS = {
    "parents": 'phones = ["kitchen"]\nannounced = "unknown"',
    "turn": 'phones = ["kitchen", "study", "office"]\nstrategy = "in-turn"\neach = 3',
    "outing": 'phones = ["mobile", "kitchen"]\nseconds = 20',
    "desk": 'phones = ["kitchen"]\nredirects = "inside"',
    "door": 'phones = ["kitchen", "study"]\nprefix = "DOOR:"',
}
MORE = f"""
[extensions.4]
names = ["parents"]
ring = "parents"
box = "family"
[extensions.51]
names = ["otto müller"]
ring = "family"
box = "family"
[menus.main.choices]
3 = "menu services"
7 = "call-back calls"
9 = "directory"
[menus.services.choices]
4 = {{ to = "menu repairs", names = ["repairs"] }}
[menus.repairs.choices]
6 = "extension 2"
[boxes.calls]
mail = ["calls@example.net"]
notify = "PJSIP/office"
[dids."{GERMAN}"]
ring = "family"
box = "family"
language = "de"
[dids."{BELL}"]
ring = "door"
doorbell = true
"""
TRUNK = """
[trunk]
type=endpoint
disallow=all
allow=ulaw
direct_media=no
bind_rtp_to_media_address=yes
media_address={host}
aors=trunk
[trunk]
type=aor
contact=sip:{host}:{port}
"""


def furnished(installation: Installation) -> Stage:
    """A house with a menu, a mobile behind a trunk, a German number and a doorbell."""
    stage = Stage(
        installation,
        rules=RULES,
        seconds=10.0,
        door=DOOR,
        groups=GROUPS,
        phones={"mobile": f'"PJSIP/{MOBILE}@trunk"'},
        more=MORE,
    )
    stage.extra_pjsip = TRUNK.format(host=LOOPBACK, port=stage.phones["mobile"].port)
    return stage


def rehearse() -> None:
    """Make what is said."""
    for words, voice in ((HELLO, "awb"), (WHO, "slt"), (VOICEMAIL_SAYS, "slt")):
        speech.say(words, f"flite:{voice}")
    for words in (CALLER_SAYS, SELLER_SAYS):
        speech.say(words)


async def press(call: Caller, tell: Narrator, *keys: str) -> float:
    """Press keys, each over the prompt that the one before has led to; when the last was."""
    pressed = 0.0
    for key in keys:
        await asyncio.sleep(0.7)
        pressed = await call.key(key)
        tell.tell(f"the caller keys {key}", pressed)
    return pressed
