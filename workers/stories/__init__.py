"""Named stories that play a part of the billing life through real HTTP; each is also a test."""
