"""Recordings that are known again: learnt during calls, kept as files, shared."""
