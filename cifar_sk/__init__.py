"""Honest k-fold evaluation of image classifiers on the scikit-learn API.

Names load on first use: ``import cifar_sk`` imports neither Keras nor TensorFlow. They are
listed in ``__init__.pyi``.
"""

import sys

import lazy_loader

# A command of this package ends well even while modules load; programs that import it keep their
# own way. `sys.argv` begins with "-m" while Python looks for the module that it is to run.
if sys.argv[:1] == ["-m"] and any(
    word.partition(".")[0] == __name__ for word in sys.orig_argv[1:4]
):
    from cifar_sk.backend import interrupts

    interrupts.begin()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
