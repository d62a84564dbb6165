"""The business: what is sold, what is owed, what was paid, and what follows from it. Knows no provider."""
