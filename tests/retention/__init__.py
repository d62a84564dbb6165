"""Partitions by month, and what is dropped by age."""
