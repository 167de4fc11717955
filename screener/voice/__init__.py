"""What callers hear: texts, the owner's own voice, sounds made of both."""
