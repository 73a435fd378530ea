"""What the augmentation steps share: their template, and the images that they pass on.

A separate module, so that `cifar_sk.augmentation` holds nothing but the steps themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone

from cifar_sk.errors import InputError

__all__ = ["Augmentation", "AugmentedImages", "Check", "number", "one_of", "whole_number"]

_BATCH = 1024


class AugmentedImages:
    """Images together with the random operations that training is to draw afresh for each batch.

    The classifiers of cifar_sk train on `images` and run `operations` inside their training step.
    For everything else it is an array-like: ``numpy.asarray`` gives one random draw.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c) or (n, h, w)
        The untouched images, uint8 0–255 or float.
    operations : tuple of augmentation transformers
        Applied in this order.

    Attributes
    ----------
    shape, dtype, ndim
        Those of `images`.

    Examples
    --------
    >>> import numpy as np
    >>> from cifar_sk.augmentation import RandomFlip
    >>> augmented = RandomFlip().fit_transform(np.zeros((4, 2, 2, 3), dtype=np.uint8))
    >>> augmented[:3]
    AugmentedImages(shape=(3, 2, 2, 3), dtype=uint8, operations=(RandomFlip(),))
    """

    def __init__(self, images: np.ndarray, operations: tuple[Any, ...]) -> None:
        self.images = images
        self.operations = tuple(operations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the images."""
        return self.images.shape

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the images."""
        return self.images.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions of the images, 3 or 4."""
        return self.images.ndim

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: Any) -> AugmentedImages | np.ndarray:
        """Return the subset that a slice, mask or index array names, or one untouched image."""
        if isinstance(key, tuple):
            key, *rest = key  # scikit-learn indexes rows as array[rows, ...]
            if any(axis is not Ellipsis for axis in rest):
                raise InputError(
                    "AugmentedImages can be indexed along its first axis only; "
                    "take numpy.asarray(...) of it to index pixels"
                )
        subset = self.images[key]
        return AugmentedImages(subset, self.operations) if subset.ndim == self.ndim else subset

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return one random draw, in the dtype and value range of `images`.

        Raises
        ------
        InputError
            If an operation mixes labels too, which an array of images cannot express.
        """
        if not self.operations:
            return np.array(self.images, dtype=dtype, copy=copy)
        if copy is False:
            raise ValueError("AugmentedImages draws new images, so it needs copy=None or True")
        drawn = self._draw()
        return drawn if dtype is None else drawn.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return (
            f"AugmentedImages(shape={self.shape}, dtype={self.dtype}, "
            f"operations={self.operations})"
        )

    def _draw(self) -> np.ndarray:
        mixing = [op for op in self.operations if op._mixes_labels]
        if mixing:
            raise InputError(
                f"{type(mixing[0]).__name__} mixes labels as well as images, which only the "
                "classifiers of cifar_sk can train on; remove that step for this estimator"
            )
        from cifar_sk.augmentation.operations import build_augmentation

        as_uint8 = self.dtype == np.uint8
        layer = build_augmentation(
            self.operations,
            seed=_fresh_seed(),
            value_range=(0.0, 1.0) if as_uint8 else None,
        )
        drawn = np.empty_like(self.images)
        for start in range(0, len(self), _BATCH):
            batch = self.images[start : start + _BATCH].astype(np.float32)
            batch = batch.reshape(*batch.shape[:3], -1)
            result = _to_numpy(layer(batch / 255 if as_uint8 else batch)[0])
            if as_uint8:
                result = np.clip(np.rint(result * 255), 0, 255)
            drawn[start : start + _BATCH] = result.reshape(len(batch), *self.shape[1:])
        return drawn


def _fresh_seed() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def _to_numpy(tensor: Any) -> np.ndarray:
    from keras import ops

    return ops.convert_to_numpy(tensor)


Check = tuple[Callable[[Any], bool], str]


def number(low: float, high: float, *, unit: str = "") -> Check:
    """Return the check that a parameter is a number from `low` to `high`."""

    def is_valid(value: Any) -> bool:
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        return is_number and low <= value <= high

    return is_valid, f"a number from {low:g} to {high:g}{unit}"


def whole_number(low: int, *, unit: str = "") -> Check:
    """Return the check that a parameter is an integer from `low` on."""

    def is_valid(value: Any) -> bool:
        is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
        return is_integer and value >= low

    return is_valid, f"a whole number{unit} from {low} on"


def one_of(*options: Any) -> Check:
    """Return the check that a parameter is one of `options`."""
    return lambda value: value in options, f"one of {', '.join(map(repr, options))}"


class Augmentation(TransformerMixin, BaseEstimator):
    """Template: a subclass names its parameters and what each must be, and nothing else."""

    _is_augmentation: ClassVar[bool] = True
    _mixes_labels: ClassVar[bool] = False
    _checks: ClassVar[dict[str, Check]] = {}

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and the shape of the images.

        Parameters
        ----------
        X : ndarray or AugmentedImages of shape (n, h, w, c) or (n, h, w)
            uint8 0–255 or float images.
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter or the images cannot be used.
        """
        self.check_parameters()
        self.image_shape_ = _as_augmented(X, type(self).__name__).shape[1:]
        return self

    def fit_transform(self, X: Any, y: Any = None) -> AugmentedImages:
        """Attach this operation to the images.

        Parameters
        ----------
        X : ndarray or AugmentedImages of shape (n, h, w, c) or (n, h, w)
            uint8 0–255 or float images.
        y : None
            Not used.

        Returns
        -------
        AugmentedImages
            The same images, with this operation behind those that they carried before.
        """
        self.fit(X, y)
        augmented = _as_augmented(X, type(self).__name__)
        return AugmentedImages(augmented.images, (*augmented.operations, clone(self)))

    def transform(self, X: Any) -> Any:
        """Return `X` itself: nothing is augmented outside training."""
        return X

    def check_parameters(self) -> None:
        """Raise an InputError that names the first parameter that cannot be used."""
        is_integer, requirement = whole_number(0)
        seed: Check = (lambda value: value is None or is_integer(value), f"None or {requirement}")
        for name, (is_valid, needed) in {**self._checks, "random_state": seed}.items():
            value = getattr(self, name)
            if not is_valid(value):
                raise InputError(
                    f"{name} of {type(self).__name__} must be {needed}; got {value!r}"
                )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _as_augmented(X: Any, step: str) -> AugmentedImages:
    augmented = X if isinstance(X, AugmentedImages) else AugmentedImages(np.asarray(X), ())
    if augmented.ndim not in (3, 4):
        raise InputError(
            f"{step} needs images of shape (n, h, w, c) or (n, h, w); got shape "
            f"{augmented.shape}, so reshape them before this step"
        )
    if augmented.dtype != np.uint8 and not np.issubdtype(augmented.dtype, np.floating):
        raise InputError(
            f"{step} needs uint8 or float images; got {augmented.dtype}, so convert them "
            "with X.astype('uint8') or X.astype('float32')"
        )
    return augmented
