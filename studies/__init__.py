"""Runnable studies, each a search space and a few lines."""
