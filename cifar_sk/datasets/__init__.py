"""Image data sets as scikit-learn Bunches: CIFAR-10, CIFAR-100, digits, and your own files.

Every function returns a `Bunch` with

========================= ==================================================================
``images``                uint8 (n, h, w, c), 0 to 255
``target``                int64 (n,), 0 to n_classes - 1
``target_names``          list of str, the classes in the order of the labels
``name``                  what the content is: "cifar10" is all 50,000 training images, exact to
                          the pixel; anything less has another name ("cifar10-subset",
                          "cifar10-jpeg")
``source``                where it came from, a sentence
``fingerprint``           SHA-256 over the images, labels and names, hexadecimal
``DESCR``                 what there is to know about it
``test_images``           the official test split, or None where there is none or it was not
``test_target``           asked for
``fallback``              a sentence where this data set stands in for CIFAR-10, else None
========================= ==================================================================
"""

import lazy_loader

# The names and where they are defined stand in __init__.pyi, which type checkers read as well.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
