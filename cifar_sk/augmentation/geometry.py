"""Steps that move pixels; neighbours among them are composed and read the image only once.

They work backwards, as image resampling does: for each output pixel they say which input point it
shows. `sources` does so in whole pixels, row by row or column by column, and `matrix` by an affine
map. The layers that run them import Keras, so nothing here does so before it is called.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cifar_sk.augmentation.base import Augmentation, Check, Draw, number, one_of, whole_number
from cifar_sk.errors import InputError

__all__ = [
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
]


class _Geometric(Augmentation):
    """A step that other geometric steps can be composed with."""

    def sources(self, index: Any, size: int, axis: str, generator: Any, batch: Any) -> Any:
        """Return the input row or column of each output one, and where padding comes in.

        `index` is int32 of shape (1 or b, size), `axis` "vertical" or "horizontal"; where nothing
        is padded with zeros the second value is None.
        """
        raise NotImplementedError

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Return the first two rows of the matrix from an output pixel to the point it shows.

        Points are (x, y, 1), measured from the centre; the product in the order of the steps is
        then the map of all of them.
        """
        raise NotImplementedError

    @property
    def reads(self) -> tuple[str, str] | None:
        """`fill_mode` and `interpolation` of an affine step; None where any will do."""
        return None


class RandomFlip(_Geometric):
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

    policy = ("flip", "mode")
    moves_pixels = is_affine = True
    _checks: ClassVar[dict[str, Check]] = {
        "mode": one_of("horizontal", "vertical", "horizontal_and_vertical")
    }

    def __init__(self, mode: str = "horizontal", *, random_state: int | None = None) -> None:
        self.mode = mode
        self.random_state = random_state

    def sources(self, index: Any, size: int, axis: str, generator: Any, batch: Any) -> Any:
        """Read from the other end where the coin says so."""
        import keras

        if axis not in self.mode:
            return index, None
        coin = keras.random.uniform((batch, 1), seed=generator) < 0.5
        return keras.ops.where(coin, size - 1 - index, index), None

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Change the sign of x or y."""
        from keras import ops

        x = ops.where(draw(0, 1) < 0.5, -1.0, 1.0) if "horizontal" in self.mode else 1.0
        y = ops.where(draw(0, 1) < 0.5, -1.0, 1.0) if "vertical" in self.mode else 1.0
        return x, 0.0, 0.0, 0.0, y, 0.0


class RandomCrop(_Geometric):
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

    policy = ("crop", "padding", "padding_mode")
    moves_pixels = True
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

    def _check_size(self, height: int, width: int) -> None:
        if self.padding >= min(height, width):
            raise InputError(
                f"padding of RandomCrop must be smaller than images of {height}×{width} pixels; "
                f"got {self.padding}"
            )

    def sources(self, index: Any, size: int, axis: str, generator: Any, batch: Any) -> Any:
        """Shift by whole pixels, and fold what lies outside back inside."""
        import keras

        # Not "+=", with which PyTorch could not make the one row of indices many.
        index = index + keras.random.randint(
            (batch, 1), -self.padding, self.padding + 1, seed=generator
        )
        is_blank = (index < 0) | (index >= size) if self.padding_mode == "constant" else None
        return _fold(index, size, self.padding_mode), is_blank


def _fold(index: Any, size: int, padding_mode: str) -> Any:
    """Map indices outside 0 … size − 1 back inside, as `numpy.pad` does."""
    from keras import ops

    if padding_mode == "reflect":
        return (size - 1) - ops.abs((size - 1) - ops.abs(index))
    if padding_mode == "symmetric":
        index = ops.where(index < 0, -1 - index, index)
        return ops.where(index >= size, 2 * size - 1 - index, index)
    if padding_mode == "wrap":
        return index % size
    return ops.clip(index, 0, size - 1)


class _Affine(_Geometric):
    """A step whose points lie between pixels."""

    is_affine = True
    _checks: ClassVar[dict[str, Check]] = {
        "fill_mode": one_of("nearest", "reflect", "wrap", "constant"),
        "interpolation": one_of("bilinear", "nearest"),
    }

    fill_mode: str
    interpolation: str

    @property
    def reads(self) -> tuple[str, str]:
        return self.fill_mode, self.interpolation


class RandomTranslation(_Affine):
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

    policy = ("translate", "height_factor", "width_factor")
    _checks: ClassVar[dict[str, Check]] = {
        "height_factor": number(0, 1),
        "width_factor": number(0, 1),
        **_Affine._checks,
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

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Shift by pixels."""
        x, y = self.width_factor * width, self.height_factor * height
        return 1.0, 0.0, draw(-x, x), 0.0, 1.0, draw(-y, y)


class RandomRotation(_Affine):
    """Rotate each image about its centre.

    Parameters
    ----------
    degrees : float in [0, 180], default=15
        Largest angle, in degrees; the angle is uniform from −degrees to degrees.
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    policy = ("rotate", "degrees")
    _checks: ClassVar[dict[str, Check]] = {
        "degrees": number(0, 180, unit=" degrees"),
        **_Affine._checks,
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

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Rotate by an angle."""
        from keras import ops

        limit = float(np.deg2rad(self.degrees))
        angle = draw(-limit, limit)
        return ops.cos(angle), -ops.sin(angle), 0.0, ops.sin(angle), ops.cos(angle), 0.0


class RandomZoom(_Affine):
    """Zoom each image about its centre, with a draw of its own for each axis.

    Parameters
    ----------
    factor : float in [0, 0.99], default=0.2
        The image shows from 1 − factor to 1 + factor of its own height, and likewise of its
        width, uniformly: below 1 zooms in, above 1 zooms out (Keras' ImageDataGenerator alike).
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    policy = ("zoom", "factor")
    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 0.99), **_Affine._checks}

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

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Scale x, then y."""
        low, high = 1 - self.factor, 1 + self.factor
        return draw(low, high), 0.0, 0.0, 0.0, draw(low, high), 0.0


class RandomShear(_Affine):
    """Shear each image sideways about its centre.

    Parameters
    ----------
    factor : float in [0, 1], default=0.2
        Largest shift in columns per row, uniform from −factor to factor: 0.2 moves the top and
        the bottom of a 32-pixel image by up to 3.1 pixels, in opposite directions.
    fill_mode, interpolation, random_state
        As in `RandomTranslation`.
    """

    policy = ("shear", "factor")
    _checks: ClassVar[dict[str, Check]] = {"factor": number(0, 1), **_Affine._checks}

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

    def matrix(self, draw: Draw, height: int, width: int) -> tuple[Any, ...]:
        """Add a share of y to x."""
        return 1.0, draw(-self.factor, self.factor), 0.0, 0.0, 1.0, 0.0
