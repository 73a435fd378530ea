"""Any preprocessing layer of Keras as an augmentation step."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cifar_sk.augmentation.base import Augmentation, Check
from cifar_sk.augmentation.images import AugmentedImages
from cifar_sk.errors import InputError

__all__ = ["KerasAugmentation"]


class KerasAugmentation(Augmentation):
    """Run a preprocessing layer of Keras in training, and in training only.

    The layer sees pixels as the data set has them: 0 to 255 where images are uint8, floats as they
    are. So a ``value_range`` is 0 to 255 by default, as Keras has it; for float images it has to
    be told. It must keep the shape of the images. Layers that mix labels are refused:
    `cifar_sk.augmentation.MixUp` and `CutMix` mix images and labels alike.

    Parameters
    ----------
    layer : class or function
        What makes the layer, such as ``keras.layers.RandomBrightness``. A layer object is
        refused, for its random numbers would go on from fold to fold.
    layer_params : dict, default=None
        Its arguments by name, such as ``{"factor": 0.2}``.
    random_state : int, default=None
        Seed of the layer; None takes one from the classifier's `random_state`.

    Examples
    --------
    >>> import keras
    >>> images = np.full((2, 4, 4, 3), 100, np.uint8)
    >>> step = KerasAugmentation(keras.layers.RandomBrightness, {"factor": (0.2, 0.2)})
    >>> np.asarray(step.fit_transform(images))[0, 0, 0]  # 100 + 0.2 * 255
    array([151, 151, 151], dtype=uint8)
    """

    _checks: ClassVar[dict[str, Check]] = {
        "layer": (
            lambda value: (
                isinstance(value, type) or (callable(value) and not hasattr(value, "variables"))
            ),
            "a class or function that makes a layer, such as keras.layers.RandomBrightness",
        ),
        "layer_params": (
            lambda value: value is None or isinstance(value, dict),
            "a dict of the layer's arguments by name, or None",
        ),
    }

    def __init__(
        self,
        layer: Any,
        layer_params: dict[str, Any] | None = None,
        *,
        random_state: int | None = None,
    ) -> None:
        self.layer = layer
        self.layer_params = layer_params
        self.random_state = random_state

    def _check_images(self, images: AugmentedImages) -> None:
        layer, name = self._made(0), getattr(self.layer, "__name__", "the layer")
        if images.dtype != np.uint8 and self._needs_range(layer):
            raise InputError(
                f"{name} needs its value_range for float images, as in "
                "layer_params={'value_range': (0, 1)}; got none, which would mean 0 to 255"
            )
        shape = (*images.shape[1:], 1)[:3]
        made = tuple(layer.compute_output_shape((None, *shape)))[1:]
        if made != shape:
            raise InputError(
                f"{name} must keep the shape of the images, {shape}; got {made}, so resize or "
                "crop them before"
            )

    def _needs_range(self, layer: Any) -> bool:
        return "value_range" in layer.get_config() and "value_range" not in self._arguments

    @property
    def _arguments(self) -> dict[str, Any]:
        return self.layer_params or {}

    def _made(self, seed: int) -> Any:
        """Make the layer, in float32 and seeded where the arguments leave that open."""
        import keras

        name = getattr(self.layer, "__name__", "a function")
        try:
            layer = self.layer(**self._arguments)
        except (TypeError, ValueError) as error:
            text = " ".join(str(error).split())
            raise InputError(f"{name} cannot be made of layer_params ({text})") from error
        if not isinstance(layer, keras.layers.Layer):
            raise InputError(f"{name} must make a Keras layer; got {type(layer).__name__}")
        if isinstance(layer, keras.layers.MixUp | keras.layers.CutMix):
            raise InputError(
                f"{name} of Keras would mix the images and leave the labels; use "
                f"cifar_sk.augmentation.{type(layer).__name__}"
            )
        config = layer.get_config()
        ours = {"seed": seed, "dtype": "float32", "data_format": "channels_last"}
        config |= {
            key: value
            for key, value in ours.items()
            if key in config.keys() - self._arguments.keys()
        }
        return type(layer).from_config(config)

    def stage(self, seed: int, value_range: tuple[float, float] | None) -> Any:
        """Return the layer, between scaling and its inverse where the images are uint8."""
        from cifar_sk.augmentation.layers import ScaledStage

        return ScaledStage(self._made(seed), value_range)
