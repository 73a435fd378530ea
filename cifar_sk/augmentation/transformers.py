"""The augmentation steps; `cifar_sk.augmentation` is their public place."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from cifar_sk.augmentation.base import Augmentation, Check, number, one_of, whole_number
from cifar_sk.errors import InputError

__all__ = [
    "CutMix",
    "MixUp",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
]

_RESAMPLING: dict[str, Check] = {
    "fill_mode": one_of("nearest", "reflect", "wrap", "constant"),
    "interpolation": one_of("bilinear", "nearest"),
}


class RandomFlip(Augmentation):
    """Mirror each image with probability one half, pixel for pixel.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}, default="horizontal"
        Left to right, top to bottom, or each of them with its own coin.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    >>> RandomFlip().fit_transform(X).operations
    (RandomFlip(),)
    >>> RandomFlip().transform(X) is X
    True
    """

    _checks: ClassVar[dict[str, Check]] = {
        "mode": one_of("horizontal", "vertical", "horizontal_and_vertical")
    }

    def __init__(self, mode: str = "horizontal", *, random_state: int | None = None) -> None:
        self.mode = mode
        self.random_state = random_state


class RandomTranslation(Augmentation):
    """Shift each image by a random, in general fractional, number of pixels.

    Parameters
    ----------
    height_factor, width_factor : float in [0, 1], default=0.1
        Largest shift as a fraction of the height and of the width: 0.1 of 32 pixels shifts by
        −3.2 to 3.2 pixels, uniformly.
    fill_mode : {"nearest", "reflect", "wrap", "constant"}, default="nearest"
        What comes in at the edges: the edge pixel, the image mirrored (``dcba|abcd|dcba``), the
        opposite side, or zeros.
    interpolation : {"bilinear", "nearest"}, default="bilinear"
        How values between pixels are read.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.
    """

    _checks: ClassVar[dict[str, Check]] = {
        "height_factor": number(0, 1),
        "width_factor": number(0, 1),
        **_RESAMPLING,
    }

    def __init__(
        self,
        height_factor: float = 0.1,
        width_factor: float = 0.1,
        *,
        fill_mode: str = "nearest",
        interpolation: str = "bilinear",
        random_state: int | None = None,
    ) -> None:
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.random_state = random_state


class RandomRotation(Augmentation):
    """Rotate each image about its centre.

    Parameters
    ----------
    degrees : float in [0, 180], default=15
        Largest angle, in degrees; the angle is uniform from −degrees to degrees.
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    _checks: ClassVar[dict[str, Check]] = {
        "degrees": number(0, 180, unit=" degrees"),
        **_RESAMPLING,
    }

    def __init__(
        self,
        degrees: float = 15,
        *,
        fill_mode: str = "nearest",
        interpolation: str = "bilinear",
        random_state: int | None = None,
    ) -> None:
        self.degrees = degrees
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.random_state = random_state


class RandomZoom(Augmentation):
    """Zoom each image about its centre, with a draw of its own for each axis.

    Parameters
    ----------
    factor : float in [0, 0.99], default=0.2
        The image shows from 1 − factor to 1 + factor of its own height, and likewise of its
        width, uniformly: below 1 zooms in, above 1 zooms out (Keras' ImageDataGenerator alike).
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 0.99), **_RESAMPLING}

    def __init__(
        self,
        factor: float = 0.2,
        *,
        fill_mode: str = "nearest",
        interpolation: str = "bilinear",
        random_state: int | None = None,
    ) -> None:
        self.factor = factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.random_state = random_state


class RandomShear(Augmentation):
    """Shear each image sideways about its centre.

    Parameters
    ----------
    factor : float in [0, 1], default=0.2
        Largest shift in columns per row, uniform from −factor to factor: 0.2 moves the top and
        the bottom of a 32-pixel image by up to 3.1 pixels, in opposite directions.
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 1), **_RESAMPLING}

    def __init__(
        self,
        factor: float = 0.2,
        *,
        fill_mode: str = "nearest",
        interpolation: str = "bilinear",
        random_state: int | None = None,
    ) -> None:
        self.factor = factor
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.random_state = random_state


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

    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 1)}

    def __init__(self, factor: float = 0.2, *, random_state: int | None = None) -> None:
        self.factor = factor
        self.random_state = random_state


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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters, the shape of the images, and that the square fits."""
        super().fit(X, y)
        if self.size > min(self.image_shape_[:2]):
            raise InputError(
                f"size of RandomErasing must fit inside images of "
                f"{self.image_shape_[0]}×{self.image_shape_[1]} pixels; got {self.size!r}"
            )
        return self


class RandomCrop(Augmentation):
    """Pad each image and crop it back to its size at a random place, pixel for pixel.

    Parameters
    ----------
    padding : int from 0 on, default=4
        Pixels added on every side; the crop shifts by −padding to padding whole pixels.
    padding_mode : {"reflect", "symmetric", "edge", "wrap", "constant"}, default="reflect"
        As in `numpy.pad`; "constant" pads with zeros.
    random_state : int, default=None
        Seed of this operation; None takes one from the classifier's `random_state`.
    """

    _checks: ClassVar[dict[str, Check]] = {
        "padding": whole_number(0, unit=" of pixels"),
        "padding_mode": one_of("reflect", "symmetric", "edge", "wrap", "constant"),
    }

    def __init__(
        self, padding: int = 4, *, padding_mode: str = "reflect", random_state: int | None = None
    ) -> None:
        self.padding = padding
        self.padding_mode = padding_mode
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters, the shape of the images, and that the padding fits."""
        super().fit(X, y)
        if self.padding >= min(self.image_shape_[:2]):
            raise InputError(
                f"padding of RandomCrop must be smaller than images of "
                f"{self.image_shape_[0]}×{self.image_shape_[1]} pixels; got {self.padding}"
            )
        return self


class MixUp(Augmentation):
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

    _mixes_labels = True
    _checks: ClassVar[dict[str, Check]] = {"alpha": number(0.01, 100)}

    def __init__(self, alpha: float = 0.2, *, random_state: int | None = None) -> None:
        self.alpha = alpha
        self.random_state = random_state


class CutMix(Augmentation):
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

    _mixes_labels = True
    _checks: ClassVar[dict[str, Check]] = {"alpha": number(0.01, 100)}

    def __init__(self, alpha: float = 1.0, *, random_state: int | None = None) -> None:
        self.alpha = alpha
        self.random_state = random_state
