"""Chaos: the Procfile's processes under faults while accounts live through their stories."""
