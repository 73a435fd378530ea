"""Steps that change the values of images, or mix images and labels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cifar_sk.augmentation.base import Augmentation, Check, number, one_of, whole_number
from cifar_sk.errors import InputError

__all__ = ["CutMix", "MixUp", "RandomContrast", "RandomErasing"]


class RandomContrast(Augmentation):
    """Stretch or shrink the values of each image about the mean of each channel.

    Parameters
    ----------
    factor : float in [0, 1], default=0.2
        Deviations from the mean are multiplied by 1 − factor to 1 + factor, uniformly. Values of
        uint8 images are clipped to 0–255.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.
    """

    policy = ("contrast", "factor")
    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 1)}

    def __init__(self, factor: float = 0.2, *, random_state: int | None = None) -> None:
        self.factor = factor
        self.random_state = random_state

    def stage(self, seed: int, value_range: tuple[float, float] | None) -> Any:
        """Return Keras' own layer."""
        import keras

        return keras.layers.RandomContrast(
            (self.factor, self.factor),  # a single number would only raise contrast
            value_range=value_range or (-np.inf, np.inf),
            seed=seed,
            dtype="float32",
        )


def _is_side(size: Any) -> bool:
    return number(1e-9, 1 - 1e-9)[0](size) or whole_number(1)[0](size)


class RandomErasing(Augmentation):
    """Blank a square of each image (cutout [1]_), anywhere that it fits inside.

    Parameters
    ----------
    size : float in (0, 1) or int, default=0.25
        Side of the square: a fraction of the image's shorter side, or a number of pixels.
    fill : {0, "mean"}, default=0
        Zeros, or the mean of each channel of the image.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.

    References
    ----------
    .. [1] DeVries and Taylor (2017), "Improved Regularization of Convolutional Neural Networks
       with Cutout", :doi:`10.48550/arXiv.1708.04552`.
    """

    policy = ("erase", "size", "fill")
    leaves_range = False
    _checks: ClassVar[dict[str, Check]] = {
        "size": (_is_side, "a fraction between 0 and 1 or a whole number of pixels from 1 on"),
        "fill": one_of(0, "mean"),
    }

    def __init__(
        self, size: float = 0.25, *, fill: float | str = 0, random_state: int | None = None
    ) -> None:
        self.size = size
        self.fill = fill
        self.random_state = random_state

    def _check_size(self, height: int, width: int) -> None:
        if self.size > min(height, width):
            raise InputError(
                f"size of RandomErasing must fit inside images of {height}×{width} pixels; "
                f"got {self.size!r}"
            )

    def augment(self, images: Any, generator: Any) -> Any:
        """Blank the square."""
        import keras
        from keras import ops

        batch, (height, width, _) = ops.shape(images)[0], images.shape[1:]
        side = self.size
        if side < 1:
            side = max(1, round(side * min(height, width)))
        top = keras.random.randint((batch,), 0, height - side + 1, seed=generator)
        left = keras.random.randint((batch,), 0, width - side + 1, seed=generator)
        mask = _box_mask((top, top + side), (left, left + side), images)
        fill = ops.mean(images, axis=(1, 2), keepdims=True) if self.fill == "mean" else 0.0
        return ops.where(mask, fill, images)


def _box_mask(rows: tuple[Any, Any], columns: tuple[Any, Any], images: Any) -> Any:
    """Mark the pixels from rows[0] to before rows[1], and likewise of columns, of each image."""
    from keras import ops

    height, width = (ops.arange(size, dtype="int32") for size in images.shape[1:3])
    in_rows = (height >= rows[0][:, None]) & (height < rows[1][:, None])
    in_columns = (width >= columns[0][:, None]) & (width < columns[1][:, None])
    return (in_rows[:, :, None] & in_columns[:, None, :])[..., None]


class _Mixing(Augmentation):
    """A step that gives each image a part of another one of the batch, and of its label."""

    mixes_labels = True
    leaves_range = False
    _needs_whole_compiler = True
    _checks: ClassVar[dict[str, Check]] = {"alpha": number(0.01, 100)}

    alpha: float

    def _partners(self, images: Any, generator: Any) -> tuple[Any, Any]:
        """Draw the other image of each, and the share that its own is to have."""
        import keras
        from keras import ops

        batch = ops.shape(images)[0]
        permutation = keras.random.shuffle(ops.arange(batch, dtype="int32"), seed=generator)
        return permutation, keras.random.beta((batch,), self.alpha, self.alpha, seed=generator)


class MixUp(_Mixing):
    """Blend each image, and its label, with another of its batch [1]_.

    Only the classifiers of cifar_sk can train on mixed labels; other estimators are refused.

    Parameters
    ----------
    alpha : float in [0.01, 100], default=0.2
        The image's own share is drawn from Beta(alpha, alpha), for each image.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.

    References
    ----------
    .. [1] Zhang, Cisse, Dauphin and Lopez-Paz (2018), "mixup: Beyond Empirical Risk
       Minimization", :doi:`10.48550/arXiv.1710.09412`.
    """

    policy = ("mixup", "alpha")

    def __init__(self, alpha: float = 0.2, *, random_state: int | None = None) -> None:
        self.alpha = alpha
        self.random_state = random_state

    def augment(self, images: Any, generator: Any) -> Any:
        """Blend the images, and return the permutation and each image's own share."""
        from cifar_sk.augmentation.layers import mix_targets

        mix = self._partners(images, generator)
        return mix_targets(images, [mix]), mix


class CutMix(_Mixing):
    """Paste a box of another image of the batch into each image, and mix the labels [1]_.

    The label keeps the share of the pixels that are the image's own. Only the classifiers of
    cifar_sk can train on mixed labels; other estimators are refused.

    Parameters
    ----------
    alpha : float in [0.01, 100], default=1.0
        The image's own share, before the box is cut off at the edges, is drawn from
        Beta(alpha, alpha), for each image.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.

    References
    ----------
    .. [1] Yun, Han, Oh, Chun, Choe and Yoo (2019), "CutMix: Regularization Strategy to Train
       Strong Classifiers with Localizable Features", :doi:`10.1109/ICCV.2019.00612`.
    """

    policy = ("cutmix", "alpha")

    def __init__(self, alpha: float = 1.0, *, random_state: int | None = None) -> None:
        self.alpha = alpha
        self.random_state = random_state

    def augment(self, images: Any, generator: Any) -> Any:
        """Paste the box of the paper's Algorithm A1: centred anywhere, cut off at the edges."""
        import keras
        from keras import ops

        permutation, share = self._partners(images, generator)
        height, width = images.shape[1:3]

        def bounds(size: int) -> tuple[Any, Any]:
            half = ops.cast(size * ops.sqrt(1 - share), "int32") // 2
            centre = keras.random.randint(ops.shape(share), 0, size, seed=generator)
            return ops.clip(centre - half, 0, size), ops.clip(centre + half, 0, size)

        (top, bottom), (left, right) = bounds(height), bounds(width)
        mask = _box_mask((top, bottom), (left, right), images)
        pasted = ops.where(mask, ops.take(images, permutation, axis=0), images)
        area = ops.cast((bottom - top) * (right - left), "float32")
        return pasted, (permutation, 1 - area / (height * width))
