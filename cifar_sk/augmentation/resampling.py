"""Resampling of image classes, as a step of imbalanced-learn's pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_consistent_length

from cifar_sk.augmentation.images import AugmentedImages
from cifar_sk.errors import InputError

__all__ = ["ImageResampler"]


class ImageResampler(BaseEstimator):
    """Balance the classes of images with any sampler of imbalanced-learn.

    A step of `cifar_sk.InnerSplitPipeline`, which resamples while it fits and never when it
    predicts, nor what early stopping watches. Put it before the augmentation steps.

    Parameters
    ----------
    sampler : imbalanced-learn sampler, default=None
        Used through a clone. None means ``SMOTE()``, whose parameters can be set all the same,
        as in ``imageresampler__sampler__k_neighbors``. Its own `random_state` is the seed.

    Attributes
    ----------
    sampler_ : imbalanced-learn sampler
        The clone that resampled last.

    Notes
    -----
    SMOTE interpolates between images of one class [1]_; for uint8 images the values between are
    rounded. It is given one class at a time, as float32, so that no float copy of all images is
    made, and samplers that draw at random are given row numbers instead of pixels.

    References
    ----------
    .. [1] Chawla, Bowyer, Hall and Kegelmeyer (2002), "SMOTE: Synthetic Minority Over-sampling
       Technique", :doi:`10.1613/jair.953`.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.over_sampling import RandomOverSampler
    >>> X = np.zeros((5, 2, 2, 3), dtype=np.uint8)
    >>> resampler = ImageResampler(RandomOverSampler(random_state=0))
    >>> X_resampled, y_resampled = resampler.fit_resample(X, [0, 0, 0, 0, 1])
    >>> X_resampled.shape, y_resampled.tolist()
    ((8, 2, 2, 3), [0, 0, 0, 0, 1, 1, 1, 1])
    """

    def __init__(self, sampler: Any = None) -> None:
        self.sampler = sampler

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, with those of the default SMOTE if `sampler` is None."""
        params = super().get_params(deep=deep)
        if deep and self.sampler is None:
            params |= {f"sampler__{name}": v for name, v in _smote().get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; one of the default sampler's makes that sampler explicit."""
        nested = any(name.startswith("sampler__") for name in params)
        if nested and params.get("sampler", self.sampler) is None:
            params = {**params, "sampler": _smote()}
        return super().set_params(**params)

    def fit(self, X: Any, y: Any) -> Self:
        """Check the images, the labels and the sampler, and resample nothing.

        Parameters
        ----------
        X, y
            As for `fit_resample`.

        Returns
        -------
        self
        """
        self._check(X, y)
        return self

    def fit_resample(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Resample images and labels.

        Parameters
        ----------
        X : ndarray of shape (n, h, w, c) or (n, h, w)
            uint8 or float images.
        y : array-like of shape (n,)
            Labels.

        Returns
        -------
        X_resampled : ndarray of shape (n_resampled, h, w, c) or (n_resampled, h, w)
            In the dtype of `X`; `X` itself if SMOTE has nothing to add.
        y_resampled : ndarray of shape (n_resampled,)

        Raises
        ------
        InputError
            If the images, the sampler, or the size of a class cannot be used.
        """
        images, labels = self._check(X, y)
        if _draws_indices(self.sampler_):
            rows = np.arange(len(images)).reshape(-1, 1)
            _, labels = self.sampler_.fit_resample(rows, labels)
            return images[self.sampler_.sample_indices_], labels
        if type(self.sampler_) is type(_smote()):
            return _add_synthetic(self.sampler_, images, labels)
        flat = images.reshape(len(images), -1).astype(_float_dtype(images), copy=False)
        resampled, labels = self.sampler_.fit_resample(flat, labels)
        if hasattr(self.sampler_, "sample_indices_") and not _shrinks(self.sampler_):
            return images[self.sampler_.sample_indices_], labels
        return _as_images(resampled, images), labels

    def _check(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(X, AugmentedImages):
            raise InputError(
                "ImageResampler cannot resample images that are to be augmented; "
                "put the resampler before the augmentation steps"
            )
        images, labels = np.asarray(X), np.asarray(y)
        if images.ndim not in (3, 4):
            raise InputError(
                "ImageResampler needs images of shape (n, h, w, c) or (n, h, w); got shape "
                f"{images.shape}, so use the sampler itself for flat features"
            )
        check_consistent_length(images, labels)
        self.sampler_ = _smote() if self.sampler is None else clone(self.sampler)
        if not hasattr(self.sampler_, "fit_resample"):
            raise InputError(
                "sampler of ImageResampler must be a sampler of imbalanced-learn, such as "
                f"SMOTE(); got {self.sampler!r}"
            )
        _check_class_sizes(self.sampler_, labels)
        return images, labels


def _smote() -> Any:
    from imblearn.over_sampling import SMOTE

    return SMOTE()


def _shrinks(sampler: Any) -> bool:
    return getattr(sampler, "shrinkage", None) is not None


def _draws_indices(sampler: Any) -> bool:
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    return type(sampler) in (RandomOverSampler, RandomUnderSampler) and not _shrinks(sampler)


def _float_dtype(images: np.ndarray) -> Any:
    # Differences of uint8 pixels would wrap around; float32 holds 0–255 exactly.
    return images.dtype if np.issubdtype(images.dtype, np.floating) else np.float32


def _as_images(flat: np.ndarray, like: np.ndarray) -> np.ndarray:
    if np.issubdtype(like.dtype, np.integer):
        limits = np.iinfo(like.dtype)
        flat = np.clip(np.rint(flat), limits.min, limits.max)
    return flat.astype(like.dtype, copy=False).reshape(-1, *like.shape[1:])


def _n_new(sampler: Any, labels: np.ndarray) -> dict[Any, int]:
    from imblearn.utils import check_sampling_strategy

    return check_sampling_strategy(sampler.sampling_strategy, labels, "over-sampling")


def _check_class_sizes(sampler: Any, labels: np.ndarray) -> None:
    k = getattr(sampler, "k_neighbors", None)
    if not isinstance(k, int | np.integer):
        return
    for label, n_new in _n_new(sampler, labels).items():
        n = int(np.sum(labels == label))
        if n_new and n <= k:
            remedy = f"set its k_neighbors to {n - 1}" if n > 1 else "add images of that class"
            raise InputError(
                f"class {label} has {n} training images, but {type(sampler).__name__} with "
                f"k_neighbors={k} needs at least {k + 1}; {remedy}, or use RandomOverSampler()"
            )


def _add_synthetic(
    sampler: Any, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Append SMOTE's images class by class: it never looks outside the class that it adds to."""
    new_images, new_labels = [images], [labels]
    for label, n_new in _n_new(sampler, labels).items():
        if n_new:
            synthetic = _synthetic(sampler, images, labels == label, n_new)
            new_images.append(synthetic)
            new_labels.append(np.full(n_new, label, dtype=labels.dtype))
    if len(new_images) == 1:
        return images, labels
    return np.concatenate(new_images), np.concatenate(new_labels)


def _synthetic(sampler: Any, images: np.ndarray, in_class: np.ndarray, n_new: int) -> np.ndarray:
    # SMOTE refuses a single class, so one image of another, which it leaves alone, goes along.
    rows = np.append(np.flatnonzero(in_class), np.argmin(in_class))
    n_class = len(rows) - 1
    flat = images[rows].reshape(len(rows), -1).astype(_float_dtype(images), copy=False)
    one_class = clone(sampler).set_params(
        sampling_strategy={1: n_class + n_new}, random_state=sampler.random_state
    )
    resampled, _ = one_class.fit_resample(flat, in_class[rows].astype(int))
    return _as_images(resampled[len(rows) :], images)
