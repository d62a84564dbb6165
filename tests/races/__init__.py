"""Many real processes at once, and what must come out right all the same."""
