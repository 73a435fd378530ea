"""Checks of what goes into ``fit`` and ``predict``, which is never copied as a whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.preprocessing import FunctionTransformer, LabelEncoder
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from cifar_sk.errors import InputError

__all__ = ["InputChecksMixin", "check_weights"]


class _ClassEncoder(LabelEncoder):
    """Labels to positions, over classes that may be told instead of seen."""

    def __init__(self, classes: np.ndarray | None = None) -> None:
        self.classes = classes

    def fit(self, y: np.ndarray) -> Self:
        return super().fit(y if self.classes is None else self.classes)

    def get_metadata(self) -> dict[str, Any]:
        """Return what scikeras copies to the classifier."""
        return {"classes_": self.classes_, "n_classes_": len(self.classes_)}


def _to_images(X: np.ndarray, *, image_shape: Sequence[int] | None) -> np.ndarray:
    """View rows as images where their shape is told, and grey images as having one channel."""
    if X.ndim == 3:
        X = X[..., np.newaxis]
    if image_shape is None or X.shape[1:] == tuple(image_shape):
        return X
    if X.ndim != 2 or X.shape[1] != np.prod(image_shape):
        raise InputError(
            f"image_shape={tuple(image_shape)} does not fit X of shape {X.shape}; "
            f"rows must hold {np.prod(image_shape)} numbers."
        )
    return X.reshape(-1, *image_shape)


def _with_channel(sample_shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*sample_shape, 1) if len(sample_shape) == 2 else sample_shape


def check_weights(name: str, weight: Any, X: Any) -> np.ndarray:
    """Return weights of the samples as float32, of shape (n,)."""
    try:
        return _check_sample_weight(weight, X, dtype=np.float32, ensure_non_negative=True)
    except ValueError as error:
        raise InputError(
            f"{name} must give each sample a finite number from 0 on, and not 0 to all of them "
            f"({' '.join(str(error).split())})."
        ) from error


class InputChecksMixin:
    """The hooks through which scikeras sees labels and images, in their forms for images."""

    classes_: Any
    image_shape: Sequence[int] | None

    @property
    def target_encoder(self) -> _ClassEncoder:
        """What turns labels into positions; scikeras asks for it in every first fit."""
        return _ClassEncoder(self.classes_)

    @property
    def feature_encoder(self) -> FunctionTransformer:
        """What turns X into images; scikeras asks for it in every first fit."""
        return FunctionTransformer(_to_images, kw_args={"image_shape": self.image_shape})

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = False
    ) -> tuple[Any, Any]:
        # scikeras' own check compares dtypes by can_cast and knows no feature names.
        kwargs = {"reset": reset, "allow_nd": True, "dtype": "numeric"}
        shape = getattr(X, "shape", ())
        if not reset and len(shape) > 2:
            self._check_shape(shape[1:])  # scikit-learn would count rows as features
        if y is None:
            X = validate_data(self, X, **kwargs)
        else:
            X, y = validate_data(self, X, y, **kwargs)
            check_classification_targets(y)
        if reset:
            self._sample_shape, self._is_uint8 = X.shape[1:], X.dtype == np.uint8
            self._warn_of_images(X)
        self._check_shape(X.shape[1:])
        self._check_pixels(X)
        return X, y

    def _warn_of_images(self, X: np.ndarray) -> None:
        """Warn of images that are most likely meant otherwise than they are read."""
        shape = X.shape[1:] if self.image_shape is None else tuple(self.image_shape)
        if len(shape) == 3 and shape[0] in {1, 3} and shape[2] not in {1, 3, 4}:
            warnings.warn(
                f"Images of shape {shape} are read as height, width and channels, but look like "
                f"channels first; turn them by np.moveaxis(X, 1, -1).",
                stacklevel=2,
            )
        # Standardised pixels, which are below 0 too, are meant to be what they are.
        if len(shape) > 1 and X.size and X.dtype != np.uint8 and X.max() > 1 and X.min() >= 0:
            warnings.warn(
                f"Pixels of {X.dtype} are used as they are, but go up to {X.max():g}; divide "
                f"them by 255, or pass them as uint8, which is scaled to [0, 1].",
                stacklevel=2,
            )

    def _check_shape(self, sample_shape: tuple[int, ...]) -> None:
        if _with_channel(sample_shape) != _with_channel(self._sample_shape):
            raise InputError(
                f"X has samples of shape {sample_shape}, but {type(self).__name__} was fitted on "
                f"samples of shape {self._sample_shape}."
            )

    def _check_pixels(self, X: np.ndarray) -> None:
        if (X.dtype == np.uint8) != self._is_uint8:
            fitted = "uint8 (0–255)" if self._is_uint8 else "other numbers than uint8"
            raise InputError(
                f"{type(self).__name__} was fitted on pixels of {fitted}, got {X.dtype}, which "
                f"would be scaled otherwise; convert X to what it was fitted on."
            )

    @staticmethod
    def _validate_sample_weight(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        # scikeras copies X to drop samples without weight; here the batches leave them out.
        return X, y, check_weights("sample_weight", sample_weight, X)
