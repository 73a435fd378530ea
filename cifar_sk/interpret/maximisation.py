"""Activation maximisation: images that excite a class or a filter as much as any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from cifar_sk.backend.operations import released_memory
from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.networks import ImageNetwork

__all__ = ["filter_activations", "maximise_class", "maximise_filter"]


@released_memory()
def maximise_class(
    classifier: BaseImageClassifier | keras.Model,
    classes: Any = None,
    *,
    n_steps: int = 256,
    learning_rate: float = 0.02,
    smoothness: float = 1.0,
    shift: int | None = None,
    value_range: tuple[float, float] | None = None,
    random_state: int = 0,
) -> np.ndarray:
    """Search the image with the greatest logit of each class, by gradient ascent [1]_ [2]_.

    Parameters
    ----------
    classifier : BaseImageClassifier or keras.Model
        Fitted; or pixels in, probabilities out.
    classes : None or array-like of labels, default=None
        Which, as in ``classes_``; None for all.
    n_steps : int, default=256
        Steps of Adam.
    learning_rate : float, default=0.02
        Of Adam, as a share of the range of pixels.
    smoothness : float, default=1.0
        How strongly pixels are pulled towards their neighbours, for a gradient of mean square 1;
        0 lets high frequencies grow, which networks respond to and eyes do not.
    shift : int or None, default=None
        Pixels at most that the image is shifted by, at random, in each step, so that what
        excites the network does so anywhere; None for a sixteenth of its shorter side.
    value_range : (float, float) or None, default=None
        The least and the greatest pixel that the image may have; None for 0 to 255 where the
        classifier was fitted on uint8, and 0 to 1 otherwise.
    random_state : int, default=0
        Seed of the shifts, and of the faint noise around mid-grey that every image starts from.

    Returns
    -------
    ndarray of shape (n_classes, h, w, c)
        As ``predict`` takes them: uint8 where the classifier was fitted on uint8, else float32.

    Notes
    -----
    The logit and not the probability [2]_, which can also grow by what speaks against the other
    classes.

    References
    ----------
    .. [1] D. Erhan, Y. Bengio, A. Courville and P. Vincent, "Visualizing higher-layer features
       of a deep network", technical report 1341, Université de Montréal, 2009. It has no DOI.
    .. [2] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
       visualising image classification models and saliency maps", ICLR workshop, 2014.
       :doi:`10.48550/arXiv.1312.6034`
    """
    network = ImageNetwork(classifier)
    labels = network.classes if classes is None else np.atleast_1d(np.asarray(classes))
    weight = network.one_hot(network.positions_of(labels))
    ascent = _Ascent(network, n_steps, learning_rate, smoothness, shift, value_range, random_state)
    return ascent.climb(network.logit_of, weight)


@released_memory()
def maximise_filter(
    classifier: BaseImageClassifier | keras.Model,
    layer: str,
    filters: Sequence[int] | None = None,
    *,
    n_steps: int = 256,
    learning_rate: float = 0.02,
    smoothness: float = 1.0,
    shift: int | None = None,
    value_range: tuple[float, float] | None = None,
    random_state: int = 0,
) -> np.ndarray:
    """Search the image that excites each filter of a layer most.

    Parameters
    ----------
    classifier
        As for `maximise_class`.
    layer : str
        Name of a layer that returns feature maps (n, h, w, filters) or units (n, units).
    filters : sequence of int or None, default=None
        Which filters or units; None for all.
    n_steps, learning_rate, smoothness, shift, value_range, random_state
        As for `maximise_class`.

    Returns
    -------
    ndarray of shape (n_filters, h, w, c)
        As `maximise_class`. What grows is the mean of the filter's map, or the unit's value.
    """
    network = ImageNetwork(classifier)
    target = network.layer(layer)
    n_filters = target.output.shape[-1]
    chosen = np.arange(n_filters) if filters is None else np.asarray(filters, dtype=int)
    if chosen.ndim != 1 or not len(chosen) or not np.isin(chosen, np.arange(n_filters)).all():
        raise InputError(
            f"filters must be numbers from 0 to {n_filters - 1} of layer {layer!r}, got {filters}."
        )
    weight = np.eye(n_filters, dtype=np.float32)[chosen]
    ascent = _Ascent(network, n_steps, learning_rate, smoothness, shift, value_range, random_state)
    return ascent.climb(
        lambda x, weight: ops.sum(_means(network.activation(target, x)) * weight, axis=1), weight
    )


@released_memory()
def filter_activations(
    classifier: BaseImageClassifier | keras.Model, images: Any, layer: str
) -> np.ndarray:
    """Compute what `maximise_filter` makes grow in the layer of a name.

    Returns
    -------
    ndarray of float32, shape (n, n_filters)
        The mean of each feature map, or the value of each unit.
    """
    network = ImageNetwork(classifier)
    target, x = network.layer(layer), network.prepare(images)
    return network.evaluate(lambda batch: _means(network.activation(target, batch)), x)


def _means(activation: Any) -> Any:
    """Return the mean over all axes between images and filters."""
    return ops.mean(activation, axis=tuple(range(1, len(activation.shape) - 1)))


@dataclass
class _Ascent:
    """Gradient ascent on images, with Adam, shifts and a penalty on roughness."""

    network: ImageNetwork
    n_steps: int
    learning_rate: float
    smoothness: float
    shift: int | None
    value_range: tuple[float, float] | None
    random_state: int

    def __post_init__(self) -> None:
        shift = min(self.network.image_shape[:2]) // 16 if self.shift is None else self.shift
        if self.n_steps < 1 or self.learning_rate <= 0 or self.smoothness < 0 or shift < 0:
            raise InputError(
                "n_steps must be 1 or more, learning_rate above 0, smoothness and shift 0 or "
                f"more; got {self.n_steps}, {self.learning_rate}, {self.smoothness} and {shift}."
            )
        ends = self.value_range or ((0, 255) if self.network.takes_bytes else (0, 1))
        self._shift = shift
        self._low, self._high = (float(x) for x in self.network.scale(ends))
        if not self._low < self._high:
            raise InputError(f"value_range must be (low, high), got {self.value_range}.")

    def climb(self, function: Callable[[Any, Any], Any], weight: np.ndarray) -> np.ndarray:
        """Return an image for each row of `weight` that maximises ``function(x, weight)``."""
        # Pixels are sought as `u` from 0 to 1, so that one learning rate suits every range.
        low, span = self._low, self._high - self._low
        gradient = self.network.differentiate(lambda u, weight: function(low + span * u, weight))
        rng = np.random.default_rng(self.random_state)
        noise = 0.5 + 0.05 * rng.standard_normal(self.network.image_shape, dtype=np.float32)
        u = np.repeat(np.clip(noise, 0, 1)[None], len(weight), axis=0)
        first, second = np.zeros_like(u), np.zeros_like(u)
        for step in range(1, self.n_steps + 1):
            down, right = rng.integers(-self._shift, self._shift, size=2, endpoint=True)
            _, slope = gradient(np.roll(u, (down, right), axis=(1, 2)), weight)
            slope = _unit(np.roll(slope, (-down, -right), axis=(1, 2)))
            slope -= self.smoothness * _excess(u)
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
            move = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            u = np.clip(u + self.learning_rate * move, 0, 1).astype(np.float32)
        return self.network.unscale(low + span * u)


def _unit(slope: np.ndarray) -> np.ndarray:
    """Scale each image's gradient to a mean square of 1; one of zeros stays."""
    size = np.sqrt(np.mean(slope**2, axis=(1, 2, 3), keepdims=True, dtype=np.float64))
    return (slope / np.where(size > 0, size, 1)).astype(np.float32)


def _excess(u: np.ndarray) -> np.ndarray:
    """Sum each pixel's differences from its neighbours: the slope of half their squares' sum."""
    excess = np.zeros_like(u)
    for axis in (1, 2):
        step = np.diff(u, axis=axis)
        ahead, behind = [(0, 0)] * 4, [(0, 0)] * 4
        ahead[axis], behind[axis] = (1, 0), (0, 1)
        excess += np.pad(step, ahead) - np.pad(step, behind)
    return excess
