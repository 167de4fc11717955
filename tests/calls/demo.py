"""`make demo`: the main job on real calls, shown as they happen, then judged in a table.

    python -m tests.calls.demo            # all of it
    python -m tests.calls.demo 3 4        # only these scenes

Every scene is judged by what the phones, the callers and the mail server have on record, then by
the call's row; exit status 0 only if all of them ended as they should.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from screener.asterisk.installation import Installation, install
from screener.errors import ScreenerError
from tests.calls import scenes_door, scenes_groups, scenes_house, scenes_menus, speech
from tests.calls.narrator import Narrator
from tests.calls.scenes import House, Scene, Seen
from tests.calls.sip import CallError
from tests.calls.stage import Stage

HOUSES = (
    House(scenes_door.furnished, scenes_door.SCENES, scenes_door.rehearse),
    House(
        scenes_house.furnished,
        (*scenes_menus.SCENES, *scenes_groups.SCENES),
        scenes_house.rehearse,
    ),
)
SCENES = tuple(scene for house in HOUSES for scene in house.scenes)


async def show(scene: Scene, stage: Stage, console: Console) -> Seen:
    """Play one scene live and judge it."""
    await stage.fresh()
    console.print(Text(f"\n{scene.number:>2}  {scene.title}", style="bold"))
    seen = Seen()
    async with Narrator(stage, console) as narrator:
        try:
            await scene.play(stage, narrator, seen)
            await stage.assert_nothing_left()
        except CallError as error:
            seen.wrong.append(str(error).splitlines()[0])
            await stage.open()
    for sentence in seen.wrong:
        console.print(Text(f"      WRONG: {sentence}", style="bold red"))
    if not seen.wrong:
        console.print(Text(f"      as it should be: {seen.what}; {seen.soon}", style="bold green"))
    return seen


def table(played: Sequence[tuple[Scene, Seen]]) -> Table:
    """Who called, what happened, why, how soon."""
    shown = Table(title="\nThe front door", title_justify="left", show_lines=True)
    for heading in ("", "who called", "what happened", "why", "how soon", ""):
        shown.add_column(heading, overflow="fold")
    for scene, seen in played:
        verdict = Text("WRONG", "bold red") if seen.wrong else Text("ok", "green")
        cells = (scene.number, scene.title, seen.what, seen.why, seen.soon)
        shown.add_row(*(Text(cell) for cell in cells), verdict)
    return shown


async def play(
    wanted: frozenset[str], installation: Installation, console: Console
) -> AsyncIterator[tuple[Scene, Seen]]:
    """Play the scenes that are wanted, house by house."""
    for house in HOUSES:
        scenes = [scene for scene in house.scenes if scene.is_one_of(wanted)]
        if not scenes:
            continue
        await asyncio.to_thread(house.rehearse)
        async with house.furnished(installation) as stage:
            for scene in scenes:
                yield scene, await show(scene, stage, console)


async def main(wanted: Sequence[str]) -> int:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    try:
        installation = await asyncio.to_thread(install, lambda line: console.print(Text(line)))
        console.print(Text(f"Asterisk {installation.version}; speech: {speech.whence()}"))
        played = [each async for each in play(frozenset(wanted), installation, console)]
    except (ScreenerError, CallError, speech.SpeechError, FileNotFoundError) as error:
        console.print(Text(f"The demo cannot run: {error}", style="bold red"))
        return 2
    console.print(table(played))
    wrong = sum(bool(seen.wrong) for _, seen in played)
    count = len(played)
    console.print(
        Text(f"{wrong} of {count} calls did not end as they should", "bold red")
        if wrong
        else Text(f"all {count} ended as they should", "bold green")
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1:])))
    except KeyboardInterrupt:
        print("stopped; what was started is ended", file=sys.stderr)
        sys.exit(130)
