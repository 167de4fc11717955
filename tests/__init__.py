"""Everything that proves screener: core (pure), shell (files, mail, ARI) and calls (a real line)."""
