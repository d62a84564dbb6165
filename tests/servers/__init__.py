"""Real PostgreSQL and Valkey or Redis for tests, chaos runs and benchmarks; free of pytest.

A server lives in a directory of its own under the system's temporary folder and never outlives
the process that started it, however that process ends.
"""
