"""What `screener check` says of the rules, and of a user's own Asterisk: asked of a real one."""

import asyncio
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from screener import config, recogniser, starter
from screener.asterisk import installation
from screener.asterisk.client import Client
from screener.asterisk.installation import install
from screener.asterisk.media import Media
from screener.asterisk.pbx import pbx_config
from screener.asterisk.private import PrivateAsterisk
from screener.checks import Finding, examine
from screener.core.callerid import shown_number
from screener.errors import StoreError
from screener.records.store import Store
from screener.settings.surroundings import AsteriskSettings
from tests.shell.post import MailServer


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody has now; all are held until the last is found."""
    with ExitStack() as held:
        sockets = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(how_many)
        ]
        return [each.getsockname()[1] for each in sockets]


def login(ours: AsteriskSettings) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(ours.user, ours.secret)}


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


# The data folder ---------------------------------------------------------------------------------


async def of_data(home: Path) -> Finding:
    return await anext(f async for f in examine(home / "screener.toml") if f.about == "data")


async def calls_of(home: Path) -> Path:
    """Calls that are written down, and that nobody has open."""
    calls = config.load(home / "screener.toml").data / "calls.db"
    await Store(calls).close()
    with closing(sqlite3.connect(calls)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return calls


async def test_calls_that_cannot_be_read_are_wrong_as_they_are_at_the_start(home: Path) -> None:
    calls = await calls_of(home)
    assert (await of_data(home)).ok
    assert list(calls.parent.glob("calls*")) == [calls]  # to look leaves nothing behind
    calls.write_bytes(b"garbage" * 1000)
    told = await of_data(home)
    with pytest.raises(StoreError) as refused:
        Store(calls)
    assert told == Finding("data", False, str(refused.value))
    assert "it is not a database of screener's" in told.text


async def test_calls_that_are_damaged_further_in_are_wrong(home: Path) -> None:
    calls = await calls_of(home)
    content = calls.read_bytes()
    calls.write_bytes(content[:4096] + b"x" * (len(content) - 4096))
    told = await of_data(home)
    assert not told.ok
    assert "it is damaged: move it away" in told.text


# Mail --------------------------------------------------------------------------------------------


async def of_mail(home: Path, mail: str) -> list[str]:
    path = home / "screener.toml"
    text = path.read_text(encoding="utf-8").replace('host = "localhost"\n', mail)
    path.write_text(text, encoding="utf-8")
    found = [f async for f in examine(path) if f.about == "mail"]
    return [f"{'ok' if finding.ok else 'WRONG'} {finding.text}" for finding in found]


async def test_a_certificate_that_nobody_signed_is_shown_so_that_it_can_be_pinned(
    home: Path,
) -> None:
    server = MailServer()
    async with server.up(implicit_tls=True):
        mail = f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "tls"\n'
        [told] = await of_mail(home, mail)
        assert told.startswith(f"WRONG the mail server 127.0.0.1:{server.port}: its certificate")
        pin = told[told.index('mail.fingerprint = "sha256:') :].partition('"; see [mail]')[0]
        pinned = pin.removeprefix("mail.") + '"\n'
        path = home / "screener.toml"
        path.write_text(path.read_text(encoding="utf-8").replace(mail, mail + pinned))
        [told] = await of_mail(home, "")
    assert told.startswith(f"ok 127.0.0.1:{server.port} takes our mail over tls")


async def test_a_sendmail_that_is_not_there_is_wrong(home: Path, tmp_path: Path) -> None:
    [told] = await of_mail(home, f'sendmail = "{tmp_path}/sendmail"\n')
    assert told.startswith(f"WRONG mail.sendmail: there is no program {tmp_path}/sendmail: install")


async def test_a_sendmail_that_is_there_is_fit(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sendmail").touch(0o700)
    assert await of_mail(home, f'sendmail = "{tmp_path}/sendmail"\n') == [
        f"ok {tmp_path}/sendmail is there"
    ]


# Who reaches it ----------------------------------------------------------------------------------


async def test_that_only_this_machine_reaches_links_and_asterisk_is_a_note(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "load", lambda _: German())
    here = SimpleNamespace(version="22.10.1", modules=home)
    monkeypatch.setattr(installation, "find", lambda: here)
    path = home / "screener.toml"
    found = [f async for f in examine(path)]
    (links,) = [str(f) for f in found if f.about == "links"]
    assert links.startswith("note   links          only this machine reaches http://127.0.0.1:8190")
    assert links.endswith("links in mails work on this machine only")
    _, near = [str(f) for f in found if f.about == "asterisk"]
    assert near.startswith("note   asterisk       it listens on 127.0.0.1: only programs of this")
    text = re.sub(r"\n# (url = \"https)", r"\n\1", path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    assert not [f async for f in examine(path) if f.about == "links"]


async def test_a_mistake_of_several_lines_stands_together(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text("country = US\n")
    (told,) = [str(f) async for f in examine(path)]
    assert told.splitlines()[1:] == [" " * 26 + "country = US", " " * 36 + "^"]


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


async def of_sound(home: Path) -> Finding:
    (found,) = [f async for f in examine(home / "screener.toml") if f.about == "callers"]
    return found


@pytest.mark.usefixtures("asterisk")
async def test_that_the_sound_of_callers_comes_is_tried(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Finding("callers", True, "their sound comes from Asterisk to 127.0.0.1")
    assert await of_sound(home) == fit
    monkeypatch.setattr(Media, "address", "127.0.0.2:9")  # where nobody listens
    wrong = await of_sound(home)
    assert not wrong.ok
    assert wrong.text.endswith("let its UDP through, or correct asterisk.media_host")


@pytest.mark.usefixtures("asterisk")
async def test_an_address_that_is_not_of_this_machine_is_named(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("[asterisk]", '[asterisk]\nmedia_host = "192.0.2.1"'))
    wrong = await of_sound(home)
    assert not wrong.ok
    assert "asterisk.media_host 192.0.2.1 (" in wrong.text


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
        aiohttp.ClientSession(headers=login(ours)) as http,
        http.delete(f"{asterisk.url}/asterisk/modules/func_export.so") as unloaded,
    ):
        assert unloaded.status == 204
    wrong = [finding.text for finding in await of_asterisk(home) if not finding.ok]
    assert wrong == ["the module func_export.so is not loaded: load it in modules.conf"]


@pytest.fixture
def lit(home: Path) -> None:
    """Before Asterisk starts: a box that lights the kitchen's lamp."""
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("# lamps =", "lamps ="))


@pytest.mark.usefixtures("lit", "asterisk")
async def test_an_asterisk_that_can_light_lamps_is_fit(home: Path) -> None:
    assert all(finding.ok for finding in await of_asterisk(home))


@pytest.mark.usefixtures("asterisk")
async def test_what_an_asterisk_lacks_for_lamps_is_named(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("# lamps =", "lamps ="))
    assert [finding.text for finding in await of_asterisk(home) if not finding.ok] == [
        "the module res_pjsip_mwi.so is not loaded, lamps need it",
        "lamps need one of the modules res_ari_mailboxes.so and app_minivm.so: load it",
        "PJSIP/kitchen has no mailboxes=family@screener, so its lamp shows nothing: see"
        " `screener pbx config`",
    ]


async def test_beside_an_own_voicemail_lamps_need_minivm(
    home: Path, asterisk: PrivateAsterisk
) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("# lamps =", "lamps ="))
    ours = config.load(path).asterisk
    async with (
        aiohttp.ClientSession(headers=login(ours)) as http,
        http.post(f"{asterisk.url}/asterisk/modules/app_voicemail.so") as loaded,
    ):
        assert loaded.status == 204
    told = (
        "lamps need the module app_minivm.so (res_ari_mailboxes.so cannot run beside"
        " app_voicemail.so): load it"
    )
    assert told in [finding.text for finding in await of_asterisk(home) if not finding.ok]


async def test_what_pbx_config_says_of_a_lamp_reaches_an_endpoint_behind_its_aor(
    home: Path,
) -> None:
    path = home / "screener.toml"
    text = path.read_text().replace('study = "PJ', 'attic = "PJSIP/attic"\nstudy = "PJ')
    path.write_text(text.replace('# lamps = ["kitchen"]', 'lamps = ["attic"]'))
    sip, http = free_ports(2)
    settings = config.load(path)
    settings = replace(settings, asterisk=replace(settings.asterisk, sip_port=sip, http_port=http))
    printed = re.search(r"\[attic\]\(.*\n(?:\w.*\n)+", pbx_config(settings))
    assert printed is not None
    others = {name: phone for name, phone in settings.phones.items() if name != "attic"}
    directory = replace(settings.directory, phones=others, boxes={})
    own = (
        "\n[attic]\ntype=aor\n\n[attic]\ntype=endpoint\ncontext=x\nallow=ulaw\naors=attic\n"
        "mailboxes=100@default\nmwi_subscribe_replaces_unsolicited=yes\n\n"
    )
    async with (
        PrivateAsterisk(
            await asyncio.to_thread(install, print),
            replace(settings, directory=directory),
            home / "data" / "asterisk",
            extra_pjsip=own + printed[0],
        ) as running,
        Client(running.url, settings.asterisk.user, settings.asterisk.secret, "check") as client,
        await client.events(),
    ):
        shows = await client.endpoint_setting("PJSIP/attic", "mailboxes")
        subscribes = "mwi_subscribe_replaces_unsolicited"
        assert (shows, await client.endpoint_setting("PJSIP/attic", subscribes)) == (
            "family@screener",
            "no",
        )


@pytest.mark.usefixtures("asterisk")
async def test_a_voicemail_that_no_phone_can_reach_is_named(home: Path) -> None:
    path = home / "screener.toml"
    (home / "family-pin").write_text("2468")
    (home / "family-pin").chmod(0o600)
    text = path.read_text().replace('# pin_file = "family', 'pin_file = "family')
    path.write_text(text.replace("[voicemail]", '[voicemail]\ncode = "*97"'))
    assert [finding.text for finding in await of_asterisk(home) if not finding.ok] == [
        "the dialplan has no [screener-code]: see `screener pbx config`"
    ]


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
        async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
            while await client.channels():  # noqa: ASYNC110  # the hang-up tells nobody here
                await asyncio.sleep(0.01)
