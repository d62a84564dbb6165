"""The business: what is sold, owed and paid, and what follows from it. Knows no provider."""
