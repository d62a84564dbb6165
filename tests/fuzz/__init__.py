"""Fuzzing: hostile deliveries, made from genuine ones, by the thousand.

``make fuzz`` runs a campaign for some minutes; ``make test`` runs its short form. Every case
follows from its seed, so that a failed one can be made again.
"""
