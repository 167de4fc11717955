"""Decisions, as pure code: no I/O, no asyncio, no clock, no logging (tests/core/test_purity.py)."""
