"""The trunk of a house that has one: what Asterisk's pjsip.conf says of it, and where it leads.

The fixture `trunk` (conftest.py) is the phone that is behind it.
"""

from tests.calls.sip import LOOPBACK, free_port

TRUNK_PORT = free_port()
TRUNK = f"""
[trunk]
type=endpoint
context=screener-in
disallow=all
allow=ulaw
aors=trunk
direct_media=no
bind_rtp_to_media_address=yes
media_address={LOOPBACK}

[trunk]
type=aor
contact=sip:{LOOPBACK}:{TRUNK_PORT}
"""
