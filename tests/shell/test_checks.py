"""What `screener check` says of the rules, and of a user's own Asterisk: asked of a real one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from screener import config, recogniser, starter
from screener.asterisk.client import Client
from screener.asterisk.installation import install
from screener.asterisk.private import PrivateAsterisk
from screener.checks import Finding, examine
from screener.core.callerid import shown_number


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody has now; all are held until the last is found."""
    with ExitStack() as held:
        sockets = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(how_many)
        ]
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    starter.write(tmp_path / "home")
    return tmp_path / "home"


# Rules -------------------------------------------------------------------------------------------


async def of_rules(home: Path) -> list[str]:
    found = [f async for f in examine(home / "screener.toml") if f.about == "rules"]
    return [f"{'ok' if finding.ok else 'WRONG'} {finding.text}" for finding in found]


async def test_the_rules_are_counted_and_what_is_odd_about_them_is_said(home: Path) -> None:
    rules = home / "rules"
    for file in rules.glob("*.rules"):
        file.unlink()
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:{}\nTEL:{}\nEND:VCARD\n"
    cards = card.format("Mom", "+14155550100") + card.format("Dad", "ask him")
    (rules / "1.rules").write_text("allow contacts family.vcf\nblock withheld\n")
    (rules / "2.rules").write_text("screen withheld\n")
    (rules / "family.vcf").write_text(cards)
    counted, skipped, dead = await of_rules(home)
    assert counted == "ok 3 rules in 2 files, beside 1 number of family.vcf"
    assert skipped.startswith(f"ok but {rules}/family.vcf:9: ")
    assert dead.startswith(f"ok but {rules}/2.rules:1: it never decides: ")


async def test_each_mistake_in_the_rules_is_a_finding(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("alow withheld\nscreen witheld\n")
    first, second = await of_rules(home)
    assert first.startswith(f"WRONG {home}/rules/1-allow.rules:1:1: ")
    assert second.startswith(f"WRONG {home}/rules/1-allow.rules:2:8: ")


# Words -------------------------------------------------------------------------------------------


async def test_a_name_that_no_dictionary_has_is_told_with_how_it_probably_sounds(
    home: Path,
) -> None:
    path = home / "screener.toml"
    text = path.read_text(encoding="utf-8").replace('"office"]', '"office", "otto xyzzyq"]')
    menu = '[menus.main.choices]\n1 = { to = "extension 2", names = ["zorbly"] }\n'
    text = text.replace("\n[menus]\n", f"\n{menu}").replace("# menu =", "menu =")
    path.write_text(text, encoding="utf-8")
    (told,) = [finding async for finding in examine(path) if finding.about == "recogniser"]
    assert not told.ok
    assert "does not know how these names sound: " in told.text
    assert "zorbly Z AO R B L IY" in told.text
    assert "xyzzyq" in told.text
    dictionary = home / "grammars" / "words.dict"
    assert str(dictionary) in told.text
    dictionary.write_text("zorbly Z AO R B L IY\nxyzzyq Z IH Z IY K\n")
    (told,) = [finding async for finding in examine(path) if finding.about == "recogniser"]
    assert told.ok


class German:
    """A recogniser that knows no English word but the starter's names and digits."""

    name = "German"

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        words = {word for phrase in phrases for word in phrase.split()}
        return tuple(sorted(words & {"operator", "message"}))


async def test_words_that_the_owner_has_not_chosen_are_no_mistake_of_his(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "load", lambda _: German())
    (told,) = [f async for f in examine(home / "screener.toml") if f.about == "recogniser"]
    assert told == Finding("recogniser", True, "German is ready")


async def test_numbers_whose_callers_are_not_understood_are_told(home: Path) -> None:
    path = home / "screener.toml"
    (did, *_) = config.load(path).doors
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'[dids."{did}"]', f'[dids."{did}"]\nlanguage = "de"'))
    told = [f.text for f in [f async for f in examine(path)] if f.about == "recogniser"]
    assert told[1:] == [
        f"but callers of {shown_number(did)} are not understood: they answer by keys"
    ]


# A user's own Asterisk ---------------------------------------------------------------------------


@pytest.fixture
async def asterisk(home: Path) -> AsyncIterator[PrivateAsterisk]:
    """A real Asterisk, set up as the starter says, which screener.toml then names as the user's."""
    path = home / "screener.toml"
    settings = config.load(path)
    sip, http = free_ports(2)
    settings = replace(settings, asterisk=replace(settings.asterisk, sip_port=sip, http_port=http))
    installed = await asyncio.to_thread(install, print)
    async with PrivateAsterisk(installed, settings, home / "data" / "asterisk") as running:
        (home / "secret").write_text(settings.asterisk.secret)
        (home / "secret").chmod(0o600)
        own = f'[asterisk]\nurl = "{running.url}"\nsecret_file = "secret"'
        path.write_text(path.read_text().replace("[asterisk]", own))
        yield running


async def of_asterisk(home: Path) -> list[Finding]:
    return [f async for f in examine(home / "screener.toml") if f.about == "asterisk"]


async def test_an_asterisk_that_has_all_is_fit(home: Path, asterisk: PrivateAsterisk) -> None:
    version, parts = await of_asterisk(home)
    assert version.ok
    assert f" answers at {asterisk.url}" in version.text
    assert parts == Finding("asterisk", True, "modules, dialplan and phones are there")


@pytest.mark.usefixtures("asterisk")
async def test_a_phone_that_asterisk_does_not_know_is_named(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("PJSIP/study", "PJSIP/attic"))
    wrong = [finding.text for finding in await of_asterisk(home) if not finding.ok]
    assert len(wrong) == 1
    assert wrong[0].startswith("phones.study: Asterisk knows no PJSIP/attic")


@pytest.mark.usefixtures("asterisk")
async def test_of_a_number_over_a_trunk_the_trunk_is_looked_for(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("PJSIP/study", "PJSIP/+18055550100@kitchen"))
    assert all(finding.ok for finding in await of_asterisk(home))


async def test_a_group_whose_music_is_missing_is_named(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace('# music = "default"', 'music = "jazz"'))
    wrong = [f.text for f in [f async for f in examine(path)] if f.about == "music"]
    assert wrong[0].startswith("groups.family.music: there is no music in ")
    (home / "sounds" / "music" / "jazz").mkdir(parents=True)
    (home / "sounds" / "music" / "jazz" / "song.wav").touch()
    assert not [f async for f in examine(path) if f.about == "music"]


async def test_a_module_that_is_not_loaded_is_named(home: Path, asterisk: PrivateAsterisk) -> None:
    ours = config.load(home / "screener.toml").asterisk
    async with (
        aiohttp.ClientSession(auth=aiohttp.BasicAuth(ours.user, ours.secret)) as http,
        http.delete(f"{asterisk.url}/asterisk/modules/func_export.so") as unloaded,
    ):
        assert unloaded.status == 204
    wrong = [finding.text for finding in await of_asterisk(home) if not finding.ok]
    assert wrong == ["the module func_export.so is not loaded: load it in modules.conf"]


@pytest.mark.usefixtures("asterisk")
async def test_a_wrong_secret_is_said_and_not_shown(home: Path) -> None:
    (home / "secret").write_text("mistaken")
    (finding,) = await of_asterisk(home)
    assert not finding.ok
    assert "asterisk.user and the ARI secret" in finding.text
    assert "mistaken" not in finding.text


async def test_a_check_leaves_nothing_behind(home: Path, asterisk: PrivateAsterisk) -> None:
    await of_asterisk(home)
    settings = config.load(home / "screener.toml").asterisk
    async with Client(asterisk.url, settings.user, settings.secret, settings.app) as client:
        async with asyncio.timeout(5):
            while await client.channels():  # noqa: ASYNC110  # the hang-up tells nobody here
                await asyncio.sleep(0.01)


async def test_the_dialplan_is_asked_for_each_context(
    home: Path, asterisk: PrivateAsterisk
) -> None:
    settings = config.load(home / "screener.toml").asterisk
    async with (
        Client(asterisk.url, settings.user, settings.secret, settings.app) as client,
        await client.events(),
    ):
        assert await client.dialplan_has("screener-door")
        assert not await client.dialplan_has("nowhere")
        async with asyncio.timeout(5):
            while await client.channels():  # noqa: ASYNC110  # the hang-up tells nobody here
                await asyncio.sleep(0.01)
