"""The outbox, and its ways to the mail server."""
