"""screener without its ear: `python -m tests.bench.deaf run HOUSE`.

Keys arrive, nothing is listened to: what a call costs less than usual is what listening costs.
"""

from __future__ import annotations

from screener import cli
from screener.calls import deeds
from screener.calls.ear import Ear


class DeafEar(Ear):
    """No snoop, no ExternalMedia, no frames."""

    async def _open(self) -> None:
        pass

    def _hear(self, pcm: bytes, *, came: bool) -> None:
        pass


if __name__ == "__main__":
    assert vars(deeds)["Ear"] is Ear, "calls are given their ears elsewhere: it would be measured"
    vars(deeds)["Ear"] = DeafEar  # what each new call is given
    cli.main()
