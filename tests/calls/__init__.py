"""Real calls: SIPp callers and phones, G.711 over RTP, a mail server and a private Asterisk.

`stage.Stage` sets all of it up; `demo` (python -m tests.calls.demo) shows the main job on it.
"""
