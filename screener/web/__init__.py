"""The web pages of a front door: app.py serves them, pages.py is what they say."""
