"""The mails: words, looks, and how they are sent."""
