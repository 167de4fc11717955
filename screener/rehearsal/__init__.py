"""Recorded callers at the front door: heard, judged, measured, drawn."""
