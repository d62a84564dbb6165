"""The console in a real browser, over a real Billhook with its sandbox: as an operator meets it."""
