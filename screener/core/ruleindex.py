"""Which rules may match a call, without asking all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from screener.core.call import Call
from screener.core.conditions import Condition, From, Named
from screener.core.pattern import Expressions, folded


class Index:
    """The rules of a set, by what a call that they match must show.

    Most rules name numbers or names. Those with a `from` stand in tables by their numbers, or by
    what these begin with. Those with a `name` are found by a piece of text that the name must
    contain, which is looked for rule by rule but fast, and by their expressions, all in one pass.
    The others are candidates for every call; `asked` has their conditions, each with a number that
    it shares with all its equals, so that what many rules ask need be found out only once a call.
    """

    def __init__(self, rules: Iterable[tuple[Condition, ...]]) -> None:
        """Each rule is given by its conditions, and is known by its place."""
        self._exact: dict[str, list[int]] = {}
        self._by_head: dict[str, list[int]] = {}
        self._by_piece: dict[str, list[int]] = {}
        self._by_source: dict[str, list[int]] = {}
        self._always: list[int] = []
        self.asked: dict[int, tuple[tuple[int, Condition], ...]] = {}
        numbers: dict[Condition, int] = {}
        for at, conditions in enumerate(rules):
            if not any(self._entered(condition, at) for condition in conditions):
                self._always.append(at)
                self.asked[at] = tuple((numbers.setdefault(c, len(numbers)), c) for c in conditions)
        self._lengths = sorted({len(head) for head in self._by_head})
        self._expressions = Expressions(tuple(self._by_source)) if self._by_source else None
        self._matching = tuple(self._by_source.values())

    def _entered(self, condition: Condition, at: int) -> bool:
        """Whether the rule is found by this condition, and stands in its table now."""
        match condition:
            case From(patterns):
                for number in patterns:
                    table = self._exact if number.exact else self._by_head
                    table.setdefault(number.head, []).append(at)
                return True
            case Named(patterns) if all(p.piece or p.source for p in patterns):
                for name in patterns:
                    table = self._by_piece if name.piece else self._by_source
                    table.setdefault(name.piece or name.source, []).append(at)
                return True
        return False

    def candidates(self, call: Call) -> Sequence[int]:
        """Places of rules that may match, ascending."""
        found = self._of_number(call) | self._of_name(call.name)
        # Two runs that are sorted already: sorting them again takes the time of one look at each.
        return sorted([*self._always, *sorted(found)]) if found else self._always

    def _of_number(self, call: Call) -> set[int]:
        shows = call.caller.shows
        if not shows:
            return set()
        found = set(self._exact.get(shows, ()))
        for length in self._lengths:
            if length > len(shows):
                break
            found.update(self._by_head.get(shows[:length], ()))
        return found

    def _of_name(self, name: str) -> set[int]:
        seen = folded(name)
        found = {at for piece in self._by_piece if piece in seen for at in self._by_piece[piece]}
        if self._expressions is not None:
            for place in self._expressions.found(name):
                found.update(self._matching[place])
        return found
