"""The base class of augmentation steps, and the checks of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone

from cifar_sk.augmentation.images import AugmentedImages
from cifar_sk.errors import InputError

__all__ = ["Augmentation", "Check", "Draw", "number", "one_of", "whole_number"]

# Whether a value can be used, and what it must be.
Check = tuple[Callable[[Any], bool], str]
# draw(low, high) returns uniform numbers, one for each image of the batch.
Draw = Callable[[float, float], Any]


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
    """Base class of augmentation steps, for steps of your own too.

    A subclass stores its parameters in ``__init__``, as scikit-learn asks, and defines `augment`.
    If one of them is called ``random_state``, it is the seed of the step; None takes one from the
    classifier's.

    Examples
    --------
    >>> class Invert(Augmentation):
    ...     def __init__(self, probability=0.5, *, random_state=None):
    ...         self.probability = probability
    ...         self.random_state = random_state
    ...     def augment(self, images, generator):
    ...         import keras
    ...         shape = (keras.ops.shape(images)[0], 1, 1, 1)
    ...         chosen = keras.random.uniform(shape, seed=generator) < self.probability
    ...         return keras.ops.where(chosen, 1 - images, images)
    >>> np.asarray(Invert(1.0).fit_transform(np.zeros((1, 1, 2, 1), np.uint8))).ravel()
    array([255, 255], dtype=uint8)
    """

    #: Whether `augment` also returns how the labels are to be mixed.
    mixes_labels: ClassVar[bool] = False
    #: Whether `augment` can leave the range of the values, so that they are to be clipped.
    leaves_range: ClassVar[bool] = True
    #: Name in an augmentation policy, and the parameters that values behind ":" set.
    policy: ClassVar[tuple[str, ...]] = ()

    # Geometric steps share one stage with their neighbours; `geometry` says how.
    moves_pixels: ClassVar[bool] = False
    is_affine: ClassVar[bool] = False

    _is_augmentation: ClassVar[bool] = True
    _needs_whole_compiler: ClassVar[bool] = False
    _checks: ClassVar[dict[str, Check]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "augment" not in vars(cls):
            return
        # An operation of its own is none of those that its parent shares with its neighbours.
        for name in {"moves_pixels", "is_affine", "stage", "_check_size"} - vars(cls).keys():
            setattr(cls, name, getattr(Augmentation, name))

    def augment(self, images: Any, generator: Any) -> Any:
        """Compute a batch in the graph, in operations of Keras, with a draw for each image.

        Parameters
        ----------
        images : tensor of float32, shape (b, h, w, c)
            Values from 0 to 1 where the images are uint8, or else as they are.
        generator : keras.random.SeedGenerator
            The ``seed`` of functions of ``keras.random``.

        Returns
        -------
        tensor of float32, shape (b, h, w, c)
            If `mixes_labels`, a pair of it and of (permutation int32 (b,), weight float32 (b,)):
            labels become weight · labels + (1 − weight) · labels[permutation].
        """
        raise NotImplementedError(f"{type(self).__name__} must define augment(images, generator)")

    def stage(self, seed: int, value_range: tuple[float, float] | None) -> Any:
        """Return the Keras layer that runs the step in training; by default, one of `augment`.

        Parameters
        ----------
        seed : int
            For its random generator.
        value_range : (float, float) or None
            What values are to be clipped to; None for nothing.
        """
        from cifar_sk.augmentation.layers import BatchStage

        return BatchStage(self, seed, value_range if self.leaves_range else None)

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
        augmented = _as_augmented(X, type(self).__name__)
        self.image_shape_ = augmented.shape[1:]
        self._check_size(*self.image_shape_[:2])
        self._check_images(augmented)
        return self

    def _check_images(self, images: AugmentedImages) -> None:
        """Refuse images that the operation cannot be right for."""

    def _check_size(self, height: int, width: int) -> None:
        """Refuse images that the parameters do not fit."""

    def fit_transform(self, X: Any, y: Any = None) -> AugmentedImages:
        """Attach this operation to the images.

        Parameters
        ----------
        X, y
            As for `fit`.

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
        own = self.get_params(deep=False)
        for name, (is_valid, needed) in {**self._checks, "random_state": seed}.items():
            value = own.get(name)
            if name in own and not is_valid(value):
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
