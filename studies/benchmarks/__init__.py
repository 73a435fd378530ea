"""Benchmarks: what the parts of the library cost."""
