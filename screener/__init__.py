"""screener: the front door for a person's telephone numbers, on Asterisk through ARI."""

__version__ = "0.1.0"
