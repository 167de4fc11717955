"""Everything that proves screener: core (pure), shell (files, mail, ARI), calls (a real line)."""
