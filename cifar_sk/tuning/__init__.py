"""Tuning by Optuna studies: spaces, pruning over folds and epochs, storages, a search."""

import lazy_loader as lazy

# The names stand in __init__.pyi; Optuna is loaded when it is used, and not to read a space.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
