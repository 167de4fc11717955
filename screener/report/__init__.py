"""The weekly report: its rows as data, its pictures, its mail."""
