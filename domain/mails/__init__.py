"""The mails that customers get: kinds, words in four languages, and how they look."""
