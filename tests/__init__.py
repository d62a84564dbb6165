"""The tests: they mirror the tree of the code; `servers` starts the real servers they run on."""
