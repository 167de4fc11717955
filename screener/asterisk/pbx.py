"""What a FreePBX or Asterisk that is already running has to be given, with comments that teach.

The same texts as the private Asterisk's (configuration.py) where both need them; the rest is told
in words, for whoever copies it into his own files.
"""

from __future__ import annotations

from screener.asterisk import capture, dialplan
from screener.asterisk.configuration import ari_user, lamps, pjsip_phones, sip_copies
from screener.config import Settings


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
        lamps=_lamps(settings),
        hep=sip_copies(
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
        dialplan.VOICEMAIL: "and knows the PIN of a box hears its messages",
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


def _lamps(settings: Settings) -> str:
    """What makes the phones of a user's own Asterisk show that messages wait."""
    found = lamps(settings)
    if not found:
        return "; No box in screener.toml has lamps."
    phones = "\n\n".join(
        # An AOR of the same name may stand before it.
        f"[{dialplan.name('the phone', phone)}](+type=endpoint)\nmailboxes={','.join(boxes)}"
        "\nmwi_subscribe_replaces_unsolicited=no"
        for phone, boxes in found.items()
    )
    return _LAMPS.format(context=dialplan.lamps(settings), phones=phones)


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

_LAMPS = """\
; Asterisk tells the phones by its module res_pjsip_mwi. How many messages there are it is told
; through ARI, where it has the module res_ari_mailboxes (and res_mwi_external, which keeps
; app_voicemail from starting: do not load it where Asterisk's own voicemail is used, as FreePBX's
; is), or else by the module app_minivm and these lines, which belong into
; extensions_custom.conf (FreePBX) or extensions.conf, and into no phone's and no trunk's context:

{context}
; And into pjsip.endpoint_custom_post.conf (FreePBX), or after the phones' endpoints in pjsip.conf.
; A phone that has a mailbox of Asterisk's own, in its endpoint or its AOR, needs that before ours,
; and a comma: else, when it subscribes to that, it is told of that alone. The last line has
; Asterisk refuse that subscription, which needs nobody: the phone is told without it.

{phones}
"""

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


; ---- Message-waiting lamps -----------------------------------------------------------------------

{lamps}


; ---- /etc/asterisk/hep.conf (if you like) --------------------------------------------------------
; A phone may redirect to several contacts. Asterisk tells the best one only; with its modules
; res_hep and res_hep_pjsip, and this, all of them are known. The password is none that opens
; anything; `screener pbx config --secret` writes it out.

{hep}

; ---- Audio --------------------------------------------------------------------------------------
{host}
; Between two machines, a firewall must let UDP from this one pass.
"""
