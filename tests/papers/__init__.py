"""Papers: what is printed, and what machines read."""
