"""The rows of calls on disk, and the only SQL."""
