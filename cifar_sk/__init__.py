"""Honest k-fold evaluation of image classifiers on the scikit-learn API.

Names load on first use: ``import cifar_sk`` imports neither Keras nor TensorFlow. They are
listed in ``__init__.pyi``.
"""

import sys

import lazy_loader

if sys.argv[:1] == ["-m"]:  # a command of this package: it ends well even while modules load
    from cifar_sk.backend import interrupts

    interrupts.begin()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
