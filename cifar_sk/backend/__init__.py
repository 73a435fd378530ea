"""Keras, imported quietly; what only a backend can do; processors and threads."""
