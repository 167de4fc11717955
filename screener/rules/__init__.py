"""The owner's rules on disk: read, kept in force, written, exchanged with other programs."""
