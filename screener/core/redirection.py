"""A phone redirects a call (SIP 3xx): whether it is followed, and to whom.

What a phone sends as a target is a stranger's text: a SIP URI, or the user part of one, which is
all that Asterisk tells. Its user part decides, whatever host stands behind it: an extension, a
phone or a group of this house; or a number that the owner has listed, dialled over his trunk.
Never followed: more than `HOPS` redirects behind one another, to where the call has been already
or back in by the front door, and to a number that is not listed, premium and international above
all: a phone whose password is stolen must cost nobody money.
Sources: RFC 3261, 8.1.3.4 and 21.3; RFC 3966.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from screener.core import diversion, number
from screener.core.callerid import shown
from screener.core.frontdoor import Directory, Outside, Phone, Redirects, RingGroup
from screener.core.ringing import State

HOPS = 3
"""How many redirects may follow one another: a forwards to b, b to c, c to d."""

_LONGEST = 200
_SHOWN = 40
_URI = re.compile(r"(?:[^<>]*<)?\s*(?P<scheme>sips?|tel):(?P<rest>[^<>\s]+).*", re.I | re.S)
_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/#-]{1,80}", re.ASCII)
_ESCAPED = re.compile("%([0-9A-Fa-f]{2})")
_AWAY = (State.OFFLINE, State.UNDISTURBED, State.CLOSED)


@dataclass(frozen=True, slots=True)
class Follow:
    """The phones that ring in place of the one that redirected; `to` is what they are called."""

    phones: tuple[Phone, ...]
    to: str

    def __str__(self) -> str:
        return f"followed to {self.to}"


@dataclass(frozen=True, slots=True)
class Refused:
    """The redirect is not followed."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Way:
    """How a call has come to the phone that redirects it.

    `been` are the endpoints that it has been to, those that ring now among them; `hops` is how
    many redirects have led to this phone.
    """

    been: Collection[str]
    hops: int = 0


IGNORED = Refused("ignored")
BUSY = Refused("treated as busy")


def judge(
    target: str, phone: Phone, group: RingGroup, way: Way, directory: Directory
) -> Follow | Refused:
    """Whether a phone of a group, or one that was followed to, may send the call to `target`."""
    policy = phone.redirects or group.redirects
    if policy is Redirects.IGNORE:
        return IGNORED
    if policy is Redirects.BUSY:
        return BUSY
    user = _user(target)
    if not user:
        return _not("it is no telephone number and no name")
    if way.hops >= HOPS:
        return _not(f"more than {HOPS} redirects")
    inside = _inside(user, directory)
    if inside is not None:
        return _unvisited(inside, way)
    listed = group.redirect_to if policy is Redirects.LISTED else None
    return _outside(user, listed, way, directory)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a redirect: who rings in place of the phone, and a remark for the row."""

    phones: tuple[Phone, ...]
    remark: str


class Redirections:
    """What the phones of one ringing group redirect, and on which ways the call has come by it.

    Tell it which phones ring (`rings`); `redirected` then says who rings in place of one. Where a
    phone names several contacts, the next is tried when the one before has come to nothing. The
    call was dialled at `did`; `states` are those of the phones by name, free unless given.
    """

    def __init__(
        self,
        group: RingGroup,
        directory: Directory,
        did: str = "",
        states: Mapping[str, State] | None = None,
    ) -> None:
        self._group = group
        self._members = frozenset(phone.name for phone in group.phones)
        self._directory = directory
        self._did = did
        self._states = states or {}
        self._rung: dict[str, Phone] = {}
        self._paths: dict[str, tuple[Phone, ...]] = {}
        self._forks: dict[str, _Fork] = {}

    def rings(self, phone: Phone) -> None:
        """This phone is rung."""
        self._rung[phone.name] = phone

    def asks(self, phone: str) -> bool:
        """Whether it matters where this phone redirects to."""
        return phone in self._rung and _may_follow(self._rung[phone], self._group)

    def path(self, phone: str) -> tuple[str, ...]:
        """Who has sent the call to this phone, the first one first; nobody to the group's own."""
        return tuple(by.name for by in self._paths.get(phone, ()))

    def onward(self, phone: Phone, host: str, came: Iterable[tuple[str, str]]) -> dict[str, str]:
        """The headers that tell a phone which others have sent the call to it; {} where none did.

        `host` is what this house is called among SIP hosts; `came` are the call's own headers.
        """
        path = self.path(phone.name)
        if not path:
            return {}
        inside = phone.name in self._directory.phones
        return diversion.onward(path, self._did, host, inside=inside, came=came)

    def redirected(self, phone: str, targets: Sequence[str]) -> Became:
        """A phone that was rung redirects the call to one of `targets`, the best one first."""
        became = self._sent(self._rung[phone], targets)
        if became.phones:
            return became
        return self.failed(phone, became.remark) or became

    def failed(self, phone: str, why: str) -> Became | None:
        """A phone came to nothing: who rings now, where another contact led elsewhere; else None.

        `why` is told before it: "study is busy".
        """
        fork = self._forks.pop(phone, None)
        if fork is None:
            return None
        fork.waiting.discard(phone)
        if fork.waiting or not fork.left:
            return None
        became = self._sent(fork.by, fork.left)
        return Became(became.phones, f"{why}; {became.remark}")

    def _sent(self, by: Phone, targets: Sequence[str]) -> Became:
        path = self._paths.get(by.name, ())
        told = []
        for at, target in enumerate(targets, 1):
            found = self._judge(target, by, len(path))
            told.append(f"{shown(_user(target) or target, _SHOWN)}: {found}")
            if isinstance(found, Follow):
                self._follow(found.phones, (*path, by), targets[at:])
                return Became(found.phones, _remark(by, told))
            if found in (IGNORED, BUSY):  # whatever the target
                break
        return Became((), _remark(by, told))

    def _judge(self, target: str, by: Phone, hops: int) -> Follow | Refused:
        been = [phone.endpoint for phone in self._rung.values()]
        found = judge(target, by, self._group, Way(been, hops), self._directory)
        if isinstance(found, Refused):
            return found
        there = tuple(phone for phone in found.phones if not self._is_away(phone))
        if there:
            return replace(found, phones=there)
        away = found.phones[0]
        return _not(f"{away.name} {self._state(away)}")

    def _is_away(self, phone: Phone) -> bool:
        """Whether it does not ring. One that is in a call is asked all the same, as it says itself
        that it is busy; but not where the group passes over its own that are."""
        state = self._state(phone)
        passed_over = state is State.IN_CALL and not self._group.call_waiting
        return state in _AWAY or (passed_over and phone.name in self._members)

    def _state(self, phone: Phone) -> State:
        return self._states.get(phone.name, State.FREE)

    def _follow(
        self, phones: tuple[Phone, ...], path: tuple[Phone, ...], left: Sequence[str]
    ) -> None:
        fork = _Fork(path[-1], {phone.name for phone in phones}, left)
        for phone in phones:
            self._paths[phone.name] = path
            self._forks[phone.name] = fork


@dataclass(slots=True)
class _Fork:
    """Who redirected, who of those that it was followed to may still answer, and what is left."""

    by: Phone
    waiting: set[str]
    left: Sequence[str]


def _remark(by: Phone, told: list[str]) -> str:
    """ "kitchen redirected to 200: followed to study"."""
    return f"{by.name} redirected to {'; to '.join(told)}"


def reachable(group: RingGroup, directory: Directory) -> RingGroup:
    """The group, with all phones that its own may redirect to behind them."""
    if not any(_may_follow(phone, group) for phone in group.phones):
        return group
    there = {phone.name for phone in group.phones}
    others = (phone for name, phone in directory.phones.items() if name not in there)
    return replace(group, phones=(*group.phones, *others))


def _may_follow(phone: Phone, group: RingGroup) -> bool:
    return (phone.redirects or group.redirects) in (Redirects.INSIDE, Redirects.LISTED)


def _not(why: str) -> Refused:
    return Refused(f"not followed, {why}")


def _user(target: str) -> str:
    """The user part of what a phone gave as its target; "" for what is none."""
    if len(target) > _LONGEST or not target.isprintable():
        return ""
    found = _URI.fullmatch(target.strip())
    text = target.strip() if found is None else found["rest"]
    if found is not None and found["scheme"].lower() != "tel":
        user, at, _ = text.partition("@")
        text = user.partition(":")[0] if at else ""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.partition(";")[0])
    return text if _USER.fullmatch(text) else ""


def _inside(user: str, directory: Directory) -> Follow | None:
    """Who in this house is called so: an extension, as between the phones, a phone or a group."""
    if user in directory.extensions:
        extension = directory.extensions[user]
        return Follow(extension.group.phones, f"extension {user}, {extension.title}")
    for phone in directory.phones.values():
        if user in (phone.name, phone.endpoint.partition("/")[2]):
            return Follow((replace(phone, delay=0.0),), phone.name)
    if user in directory.groups:
        return Follow(directory.groups[user].phones, f"the group {user}")
    return None


def _unvisited(found: Follow, way: Way) -> Follow | Refused:
    """Who of them the call has not been to."""
    left = tuple(phone for phone in found.phones if phone.endpoint not in way.been)
    return replace(found, phones=left) if left else _not("the call has been there")


def _outside(
    user: str, listed: Collection[str] | None, way: Way, directory: Directory
) -> Follow | Refused:
    """A number outside: it is dialled if it is among the `listed` (None: none ever is)."""
    outside = directory.outside
    e164 = number.read(user, outside.country).e164
    if number.is_emergency(user, outside.country):
        return _not("an emergency number")
    if not e164:
        return _not("not inside")
    if e164 in directory.doors:
        return _not("it would come back in by the front door")
    if listed is None or e164 not in listed:
        worst = _costs(e164, outside)
        return _not(worst or ("not inside" if listed is None else "not listed"))
    endpoint = outside.endpoint(e164)
    if not endpoint:
        return _not("asterisk.trunk in screener.toml names no trunk")
    # Whatever answers out there may be a machine: whoever answers has to press a key.
    return _unvisited(Follow((Phone(e164, endpoint, confirm=True),), e164), way)


def _costs(e164: str, outside: Outside) -> str:
    """Why a call to the number may cost a lot: "premium", "international"; "" where it does not."""
    plan = number.plan(e164)
    costly = next((kind for kind in number.COSTLY if kind in plan.kinds), "")
    return costly or ("international" if plan.country != outside.country else "")
