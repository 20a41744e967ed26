"""Benchmarks: `python -m benchmarks.NAME`; each ends with one line that a machine can read."""
