"""Honest k-fold evaluation of image classifiers on the scikit-learn API.

Names load on first use: ``import cifar_sk`` imports neither Keras nor TensorFlow. They are
listed in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
