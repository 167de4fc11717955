"""The text of what an Asterisk needs: every file of the private one, and what a user's own is told.

`private_files` gives the private Asterisk's whole configuration. Everything is bound to 127.0.0.1,
and only the modules in `MODULES` are loaded: 59 MB of memory instead of 93, ready in half the time.
`pbx_config` prints what a FreePBX or Asterisk that is already running has to be given.
Names are checked before they are written: a line break in one would be a line of configuration.
Sources: Asterisk's configs/samples/*.conf.sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from screener.asterisk import capture, dialplan
from screener.asterisk.installation import Installation
from screener.config import Settings
from screener.errors import ConfigError

LOOPBACK = "127.0.0.1"
LOG = "messages.log"
_LEVELS = "notice,warning,error"

MODULES = (
    # the core's own needs: time, sorcery's stores, sound formats, codecs
    *("res_timing_timerfd", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"),
    *("codec_ulaw", "codec_alaw", "codec_gsm", "codec_resample", "codec_a_mu"),
    *("format_wav", "format_wav_gsm", "format_gsm", "format_pcm", "format_sln"),
    # the dialplan
    *("pbx_config", "app_dial", "app_playback", "app_verbose", "app_echo", "app_stack", "app_read"),
    *(
        "app_stasis",
        "app_exec",
        "app_transfer",
        "func_base64",
        "func_callerid",
        "func_channel",
        "func_cut",
    ),
    *("func_db", "func_dialplan", "func_export", "func_global", "func_hangupcause", "func_logic"),
    *("func_math", "func_module", "func_pjsip_aor", "func_pjsip_contact", "func_pjsip_endpoint"),
    *("func_strings", "func_timeout", "func_uri", "func_volume"),
    # bridges
    *("bridge_simple", "bridge_native_rtp", "bridge_softmix", "bridge_holding"),
    # SIP and RTP
    *("res_pjproject", "res_pjsip", "res_pjsip_session", "res_pjsip_sdp_rtp", "chan_pjsip"),
    *("res_pjsip_authenticator_digest", "res_pjsip_outbound_authenticator_digest"),
    *("res_pjsip_caller_id", "res_pjsip_diversion", "res_pjsip_dtmf_info", "res_pjsip_empty_info"),
    *("res_pjsip_endpoint_identifier_anonymous", "res_pjsip_endpoint_identifier_ip"),
    *("res_pjsip_endpoint_identifier_user", "res_pjsip_header_funcs", "res_pjsip_messaging"),
    *("res_pjsip_path", "res_pjsip_registrar", "res_pjsip_rfc3326", "res_pjsip_dlg_options"),
    *("res_pjsip_nat", "res_pjsip_acl", "res_pjsip_pubsub", "res_pjsip_refer", "res_rtp_asterisk"),
    *("res_rtp_multicast", "chan_rtp", "chan_bridge_media", "res_hep", "res_hep_pjsip"),
    # ARI
    *("res_http_websocket", "res_websocket_client", "res_stasis", "res_stasis_answer"),
    *("res_stasis_device_state", "res_stasis_playback", "res_stasis_recording"),
    *("res_stasis_snoop", "res_ari", "res_ari_model", "res_ari_applications", "res_ari_asterisk"),
    *("res_ari_bridges", "res_ari_channels", "res_ari_device_states", "res_ari_endpoints"),
    *("res_ari_events", "res_ari_playbacks", "res_ari_recordings", "res_ari_sounds"),
)

ENDPOINT = """\
type=endpoint
disallow=all
allow=ulaw,alaw
dtmf_mode=auto
direct_media=no
bind_rtp_to_media_address=yes
media_address={host}
trust_id_inbound=yes
send_pai=yes
send_connected_line=no
allow_subscribe=no
allow_transfer=no
"""


def private_files(
    installation: Installation,
    settings: Settings,
    folder: Path,
    *,
    passwords: Mapping[str, str],
    contacts: Mapping[str, str],
    extra_dialplan: str = "",
    extra_pjsip: str = "",
) -> Mapping[str, str]:
    """File name -> text, for an Asterisk that lives in `folder`.

    `passwords` are the phones' SIP passwords and `contacts` fixed SIP URIs, both by what follows
    "PJSIP/" in their endpoint; a phone with a contact need not register.
    """
    asterisk = settings.asterisk
    low, high = asterisk.rtp_ports
    plan = [
        "[general]\nstatic=yes\nwriteprotect=yes\nautofallthrough=yes\n",
        dialplan.arrivals(settings),
        dialplan.between_phones(settings),
        dialplan.key_code(settings),
        extra_dialplan,
    ]
    return {
        "asterisk.conf": _asterisk(installation, folder),
        "logger.conf": f"[general]\ndateformat=%F %T.%3q\n[logfiles]\n{LOG} => {_LEVELS}\n",
        "modules.conf": _modules(installation, _kinds(settings)),
        "http.conf": (
            f"[general]\nenabled=yes\nbindaddr={LOOPBACK}\nbindport={asterisk.http_port}\n"
            "sessionlimit=1000\n"
        ),
        "ari.conf": f"[general]\nenabled=yes\npretty=no\n\n{ari_user(settings, asterisk.secret)}",
        "pjsip.conf": _pjsip(settings, passwords, contacts) + extra_pjsip,
        "rtp.conf": (
            f"[general]\nrtpstart={low}\nrtpend={high}\nstrictrtp=no\nicesupport=no\n"
            "rtcpinterval=5000\n"
        ),
        "extensions.conf": "\n".join(plan),
        "musiconhold.conf": _music(settings),
        "hep.conf": _hep(settings, capture.password(asterisk.secret), LOOPBACK),
        "indications.conf": _INDICATIONS,
        # Files that Asterisk wants to see, though we have nothing to say in them.
        **{f"{empty}.conf": "" for empty in _EMPTY},
        "cdr.conf": "[general]\nenable=no\n",
        "cel.conf": "[general]\nenable=no\n",
        "manager.conf": "[general]\nenabled=no\n",
    }


def music_folder(settings: Settings, kind: str) -> Path:
    """Where the private Asterisk's music of a class is: WAV files of 8 kHz, 16 bit, mono."""
    return settings.sounds / "music" / kind


def _music(settings: Settings) -> str:
    """The classes of music on hold, each a folder."""
    return "".join(
        f"[{dialplan.name('music', kind)}]\nmode=files\nsort=alpha\n"
        f"directory={_path(music_folder(settings, kind))}\n\n"
        for kind in _kinds(settings)
    )


def _kinds(settings: Settings) -> tuple[str, ...]:
    """The classes of music on hold that ring groups name."""
    return tuple(sorted({group.music for group in settings.groups.values() if group.music}))


_EMPTY = (
    *("acl", "ccss", "codecs", "dnsmgr", "features", "pjproject", "sorcery", "stasis", "udptl"),
    "websocket_client",
)

# Pitch and rhythm of North America's tones: ITU-T E.180, ANSI T1.401.
_INDICATIONS = """\
[general]
country=us

[us]
description=United States, Canada
ringcadence=2000,4000
dial=350+440
busy=480+620/500,0/500
ring=440+480/2000,0/4000
congestion=480+620/250,0/250
callwaiting=440/300,0/10000
dialrecall=!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
record=1400/500,0/15000
info=!950/330,!1400/330,!1800/330,0
"""


def _asterisk(installation: Installation, folder: Path) -> str:
    places = {
        "astetcdir": folder / "etc",
        "astmoddir": installation.modules,
        "astvarlibdir": folder / "lib",
        "astdbdir": folder / "lib",
        "astkeydir": folder / "lib",
        "astdatadir": installation.data,
        "astagidir": folder / "lib",
        "astspooldir": folder / "spool",
        "astrundir": folder,
        "astlogdir": folder / "log",
        "astsbindir": folder / "lib",
        "astcachedir": folder / "cache",
    }
    lines = ["[directories]"]
    lines += [f"{key} => {_path(place)}" for key, place in places.items()]
    lines += ["", "[options]", "nocolor=yes", "quiet=yes", "documentation_language=en_US"]
    lines += ["defaultlanguage=en", "systemname=screener", "live_dangerously=no"]
    return "\n".join(lines) + "\n"


def _path(place: Path) -> str:
    text = str(place)
    if not text.isprintable() or ";" in text or text != text.strip():
        raise ConfigError([f"Asterisk cannot work in {text!r}: choose a plainer folder name"])
    return text


def _modules(installation: Installation, music: tuple[str, ...]) -> str:
    modules = (*MODULES, "res_musiconhold") if music else MODULES
    there = [m for m in modules if (installation.modules / f"{m}.so").exists()]
    return "[modules]\nautoload=no\n" + "".join(f"load={module}.so\n" for module in there)


def _secret(what: str, secret: str) -> str:
    """A password as an Asterisk file carries it."""
    if not secret or not secret.isprintable() or secret != secret.strip():
        raise ConfigError([f"{what} is empty or holds characters that Asterisk cannot read"])
    return secret.replace(";", "\\;")


def ari_user(settings: Settings, secret: str) -> str:
    """The user in ari.conf that screener logs in as."""
    user = dialplan.name("asterisk.user", settings.asterisk.user)
    return (
        f"[{user}]\ntype=user\nread_only=no\npassword_format=plain\n"
        f"password={_secret('the ARI secret', secret)}\n"
    )


def _hep(settings: Settings, password: str, host: str) -> str:
    """Copies of SIP messages, for capture.py; off where no port is set."""
    port = settings.asterisk.hep_port
    if not port:
        return "[general]\nenabled=no\n"
    return (
        f"[general]\nenabled=yes\ncapture_address={host}:{port}\ncapture_id=1\n"
        f"capture_password={password}\n"
    )


def _pjsip(settings: Settings, passwords: Mapping[str, str], contacts: Mapping[str, str]) -> str:
    bind = f"{LOOPBACK}:{settings.asterisk.sip_port}"
    parts = [
        "[global]\ntype=global\nuser_agent=screener\n"
        "endpoint_identifier_order=username,ip,anonymous\n",
        *(f"[{p}]\ntype=transport\nprotocol={p}\nbind={bind}\n" for p in ("udp", "tcp")),
        "; Everybody who is not one of the phones is a caller from outside.\n"
        f"[anonymous]\n{ENDPOINT.format(host=LOOPBACK)}context={dialplan.ARRIVALS}\n",
    ]
    for resource in pjsip_phones(settings):
        parts.append(_phone(resource, passwords, contacts))
    return "\n".join(parts)


def pjsip_phones(settings: Settings) -> tuple[str, ...]:
    """What follows "PJSIP/" in the endpoints of the phones: the names that phones register as."""
    found = []
    for phone in settings.phones.values():
        technology, _, resource = phone.endpoint.partition("/")
        if technology.upper() == "PJSIP" and "@" not in resource:  # else behind a trunk
            found.append(dialplan.name(f"phones.{phone.name}", resource))
            if resource.lower() in ("anonymous", "global", "udp", "tcp"):
                raise ConfigError([f"no phone of the private Asterisk can be called {resource!r}"])
    return tuple(dict.fromkeys(found))


def _phone(resource: str, passwords: Mapping[str, str], contacts: Mapping[str, str]) -> str:
    aor = ["type=aor", "max_contacts=5", "remove_existing=yes"]
    contact = contacts.get(resource)
    if contact is None:
        aor.append("qualify_frequency=60")
    elif contact.isprintable() and not set(contact) & set(" ,;"):
        aor.append(f"contact={contact}")
    else:
        raise ConfigError([f"the contact {contact!r} of phone {resource} is no plain SIP URI"])
    password = _secret(f"the password of phone {resource}", passwords[resource])
    return (
        f"[{resource}]\n{ENDPOINT.format(host=LOOPBACK)}context={dialplan.PHONES}\n"
        f"aors={resource}\nauth={resource}\n\n"
        f"[{resource}]\n" + "\n".join(aor) + "\n\n"
        f"[{resource}]\ntype=auth\nauth_type=userpass\nusername={resource}\npassword={password}\n"
    )


# A user's own Asterisk ----------------------------------------------------------------------------


def pbx_config(settings: Settings, secret: str | None = None) -> str:
    """What an Asterisk or FreePBX (18 or newer) needs, file by file, with comments that teach.

    The ARI secret is written out only when it is given; else the place to put it is shown.
    """
    shown = "PUT-THE-SECRET-HERE" if secret is None else secret
    phones = "\n".join(
        dialplan.comment(f"   phones.{phone.name} = {phone.endpoint}")
        for phone in settings.phones.values()
    )
    dids = "\n".join(
        dialplan.comment(f"   {did}: {' or '.join(dialplan.did_forms(did))}")
        for did in settings.doors
    )
    return _PBX.format(
        ari=ari_user(settings, shown),
        dialplan=dialplan.arrivals(settings),
        context=dialplan.ARRIVALS,
        code=_key_code(settings),
        dids=dids,
        phones=phones,
        sample=_sample_endpoint(settings),
        hep=_hep(
            settings,
            shown if secret is None else capture.password(secret),
            settings.asterisk.media_host,
        ),
        host=dialplan.comment(
            f"media_host {settings.asterisk.media_host}: this Asterisk sends callers' audio there"
        ),
    )


def _key_code(settings: Settings) -> str:
    """The key codes for the phones of a user's own Asterisk."""
    said = {
        dialplan.EXPECT: 'expects a call ("allow expecting" in your rules)',
        dialplan.STUDIO: "and knows the PIN records what callers hear",
        dialplan.DND_ON: "is left in peace on it by ring groups",
        dialplan.DND_OFF: "is rung on it again",
    }
    codes = dialplan.key_codes(settings)
    if not codes:
        return "; windows.code in screener.toml is empty: no phone can say that a call is expected."
    told = (f"Whoever dials {code} on a phone {said[to]}" for code, to in codes.items())
    return _KEY_CODE.format(
        codes="\n".join(map(dialplan.comment, told)),
        extensions="\n".join(dialplan.key_code_extensions(settings)),
        context=dialplan.key_code(settings),
    )


def _sample_endpoint(settings: Settings) -> str:
    resource = next(iter(pjsip_phones(settings)), "kitchen")
    lines = [
        f"[{resource}]",
        *("type=endpoint", "context=from-internal", "disallow=all", "allow=ulaw,alaw"),
        *("direct_media=no", f"aors={resource}", f"auth={resource}", "", f"[{resource}]"),
        *("type=aor", "max_contacts=5", "remove_existing=yes", "qualify_frequency=60", ""),
        *(f"[{resource}]", "type=auth", "auth_type=userpass", f"username={resource}"),
        "password=A-LONG-PASSWORD",
    ]
    return "\n".join(f";   {line}".rstrip() for line in lines)


_KEY_CODE = """\
{codes}
; from-internal-custom is where FreePBX's own phones may dial; elsewhere put its lines into the
; context of your phones, and never into one of a trunk.

[from-internal-custom]
{extensions}

{context}"""

_PBX = """\
; What your Asterisk or FreePBX (18 or newer) needs so that screener can answer its numbers.
; Put each part into the file named above it, then:  asterisk -rx "core reload"
; FreePBX writes ari.conf, http.conf and extensions.conf itself and leaves the files whose names
; end in _custom alone: use those. A plain Asterisk has no _custom files: use ari.conf and so on.
; Afterwards `screener check` says whether all of it is there.


; ---- /etc/asterisk/ari_additional_custom.conf (FreePBX) or /etc/asterisk/ari.conf ---------------
; The password is screener's ARI secret: it is in the file that asterisk.secret_file in
; screener.toml names, or in $SCREENER_ARI_SECRET. `screener pbx config --secret` writes it out.
; A plain Asterisk also needs, once:  [general]  enabled=yes

{ari}

; ---- /etc/asterisk/http.conf, or in FreePBX: Settings, Advanced Settings, "Enable the mini-HTTP -
; ---- Server" = Yes; the Asterisk REST Interface likewise ----------------------------------------
; If screener runs on another machine, bind an address that only that machine can reach.

;   [general]
;   enabled=yes
;   bindaddr=127.0.0.1
;   bindport=8088


; ---- /etc/asterisk/extensions_custom.conf (FreePBX) or /etc/asterisk/extensions.conf ------------
; FreePBX then sends calls here in two steps:
;   1. Admin, Custom Destinations: Add; Target: {context},s,1
;   2. Connectivity, Inbound Routes: the DID's route; Set Destination: that custom destination.
; Elsewhere: context={context} in the trunk's endpoint, or Goto({context},${{EXTEN}},1).
; Your DIDs, in the forms that are understood:
{dids}
; When screener is away, the phones ring by themselves (screener-ring).

{dialplan}

{code}

; ---- Phones: in FreePBX, Applications, Extensions; else /etc/asterisk/pjsip.conf ----------------
; screener.toml rings these; `screener check` looks whether Asterisk knows them:
{phones}
; One of them, as a plain Asterisk would have it:
{sample}


; ---- /etc/asterisk/hep.conf (if you like) --------------------------------------------------------
; A phone may redirect to several contacts. Asterisk tells the best one only; with its modules
; res_hep and res_hep_pjsip, and this, all of them are known. The password is none that opens
; anything; `screener pbx config --secret` writes it out.

{hep}

; ---- Audio --------------------------------------------------------------------------------------
{host}
; Between two machines, a firewall must let UDP from this one pass.
"""
