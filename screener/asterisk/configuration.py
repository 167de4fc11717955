"""The text of every file of the private Asterisk's configuration.

Everything is bound to 127.0.0.1, and only the modules in `MODULES` are loaded: 59 MB of memory
instead of 93, ready in half the time. What a user's own Asterisk is given is in pbx.py.
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
    # the core's own needs: time, sorcery's stores, sound formats, codecs. Of the sources of time
    # the one that makes up for ticks which a busy machine missed, 20 ms of a caller's voice each.
    # (22.10.1, two cores at a load of 25, calls of 709 frames: timerfd lost 97, 38 and 23 of them,
    # pthread 29, 2, 2 and 2; it takes 3 % more of Asterisk's processor time.)
    *("res_timing_pthread", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"),
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

LAMP_MODULES = (
    *("res_pjsip_mwi", "res_pjsip_mwi_body_generator", "app_minivm"),
    *("res_mwi_external", "res_stasis_mailbox", "res_ari_mailboxes"),
)
"""What phones' lamps need: Debian's Asterisk has the first three, others the last three as well."""

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
    secret = settings.asterisk.secret
    return {
        "asterisk.conf": _asterisk(installation, folder),
        "logger.conf": f"[general]\ndateformat=%F %T.%3q\n[logfiles]\n{LOG} => {_LEVELS}\n",
        "modules.conf": _modules(installation, settings),
        "http.conf": _http(settings),
        "ari.conf": f"[general]\nenabled=yes\npretty=no\n\n{ari_user(settings, secret)}",
        "pjsip.conf": _pjsip(settings, passwords, contacts) + extra_pjsip,
        "rtp.conf": _rtp(settings),
        "extensions.conf": _extensions(settings) + extra_dialplan,
        "musiconhold.conf": _music(settings),
        "hep.conf": sip_copies(settings, capture.password(secret), LOOPBACK),
        "indications.conf": _INDICATIONS,
        # Files that Asterisk wants to see, though we have nothing to say in them.
        **{f"{empty}.conf": "" for empty in _EMPTY},
        "cdr.conf": "[general]\nenable=no\n",
        "cel.conf": "[general]\nenable=no\n",
        "manager.conf": "[general]\nenabled=no\n",
    }


def _http(settings: Settings) -> str:
    return (
        f"[general]\nenabled=yes\nbindaddr={LOOPBACK}\nbindport={settings.asterisk.http_port}\n"
        "sessionlimit=1000\n"
    )


def _rtp(settings: Settings) -> str:
    low, high = settings.asterisk.rtp_ports
    return (
        f"[general]\nrtpstart={low}\nrtpend={high}\nstrictrtp=no\nicesupport=no\n"
        "rtcpinterval=5000\n"
    )


def _extensions(settings: Settings) -> str:
    """The dialplan."""
    plan = (
        "[general]\nstatic=yes\nwriteprotect=yes\nautofallthrough=yes\n",
        dialplan.arrivals(settings),
        dialplan.between_phones(settings),
        dialplan.key_code(settings),
        dialplan.lamps(settings),
    )
    return "".join(f"{part}\n" for part in plan)


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
    *(
        "acl",
        "ccss",
        "codecs",
        "dnsmgr",
        "features",
        "minivm",
        "pjproject",
        "sorcery",
        "stasis",
        "udptl",
    ),
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


def _modules(installation: Installation, settings: Settings) -> str:
    modules = [*MODULES, *(("res_musiconhold",) if _kinds(settings) else ())]
    modules += LAMP_MODULES if any(box.lamps for box in settings.boxes.values()) else ()
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


def sip_copies(settings: Settings, password: str, host: str) -> str:
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
        parts.append(_phone(resource, passwords, contacts, lamps(settings).get(resource, ())))
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


def lamps(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """The mailboxes that a phone's lamp shows, by what follows "PJSIP/" in its endpoint."""
    found: dict[str, tuple[str, ...]] = {}
    for box in settings.boxes.values():
        for phone in box.lamps:
            resource = settings.phones[phone].endpoint.partition("/")[2]
            found[resource] = (*found.get(resource, ()), dialplan.mailbox(box.name))
    return found


def _phone(
    resource: str,
    passwords: Mapping[str, str],
    contacts: Mapping[str, str],
    mailboxes: tuple[str, ...],
) -> str:
    aor = ["type=aor", "max_contacts=5", "remove_existing=yes"]
    contact = contacts.get(resource)
    if contact is None:
        aor.append("qualify_frequency=60")
    elif contact.isprintable() and not set(contact) & set(" ,;"):
        aor.append(f"contact={contact}")
    else:
        raise ConfigError([f"the contact {contact!r} of phone {resource} is no plain SIP URI"])
    password = _secret(f"the password of phone {resource}", passwords[resource])
    lamp = f"mailboxes={','.join(mailboxes)}\n" if mailboxes else ""
    return (
        f"[{resource}]\n{ENDPOINT.format(host=LOOPBACK)}context={dialplan.PHONES}\n{lamp}"
        f"aors={resource}\nauth={resource}\n\n"
        f"[{resource}]\n" + "\n".join(aor) + "\n\n"
        f"[{resource}]\ntype=auth\nauth_type=userpass\nusername={resource}\npassword={password}\n"
    )
