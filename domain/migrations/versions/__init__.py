"""Schema changes, one file each, applied by ``billhook migrate``."""
