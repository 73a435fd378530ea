"""The fold loop: any scikit-learn classifier in, out-of-fold predictions out."""

import lazy_loader as lazy

# The names stand in __init__.pyi; options of command lines read no more than the engines' names.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
