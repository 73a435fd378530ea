"""A classifier opened up: its logits, its layers, and the pixels as its network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np
from keras import ops
from sklearn.utils.validation import check_is_fitted

from cifar_sk.backend.operations import released_memory, value_and_gradient
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.graphs import (
    Replacements,
    final_operation,
    leading_rescaling,
    linear_head,
    run_graph,
    times_used,
)
from cifar_sk.networks.graphs import flat_layers

__all__ = ["BATCH_SIZE", "ImageNetwork", "in_batches", "logits"]

BATCH_SIZE = 64  # images differentiated at a time: activations of all layers are in memory


class ImageNetwork:
    """A fitted classifier, or a model, as the methods of this package see it.

    Pixels are in the units of the network: those behind a leading ``Rescaling`` layer, so from 0
    to 1 for a classifier that was fitted on uint8. Gradients are per such a unit.

    The output is the logits. The probabilities are no good to differentiate: of p = softmax(z),
    ∂p_c/∂x = p_c (∂z_c/∂x − Σ_j p_j ∂z_j/∂x), which vanishes as p_c nears 1, and mixes what
    speaks for the class with what speaks against the others. A network that does not end in a
    softmax layer is explained by ``log p_c − mean(log p)``, the logits less their mean.

    `classes` are the labels in the order of the logits; 0, 1, … for a bare model.
    """

    def __init__(self, classifier: BaseImageClassifier | keras.Model) -> None:
        self._classifier = None if isinstance(classifier, keras.Model) else classifier
        self.model = _model_of(classifier)
        self.image_shape, n_classes = _shapes_of(self.model)
        self.classes = np.arange(n_classes)
        self._views: list[tuple[float, np.ndarray | None]] = [(1.0, None)]
        if self._classifier is not None:
            self.classes = self._classifier.classes_
            views = self._classifier._prediction_views()
            self._views = [(share, view and self._positions(view)) for share, view in views]
        self._rescaling = leading_rescaling(self.model)
        self._replaced: dict[Any, Callable[..., Any]] = {}
        if self._rescaling is not None:
            self._replaced[self._rescaling] = lambda _, x: x
        softmax = final_operation(self.model)
        head = linear_head(softmax)
        self._ends_in_softmax = head is not None
        if head is not None:
            self._replaced[softmax] = lambda _, *args, **kwargs: head(*args, **kwargs)

    # --- images -------------------------------------------------------------------------

    def prepare(self, images: Any) -> np.ndarray:
        """Check images and put them into the network's units, float32 (n, h, w, c)."""
        if self._classifier is not None:
            X, _ = self._classifier._validate_data(images)
            images = self._classifier.feature_encoder_.transform(X)
        images = np.asarray(images)
        images = images[..., np.newaxis] if images.ndim == 3 else images
        if images.shape[1:] != self.image_shape or not len(images):
            raise InputError(
                f"images must have shape (n, {', '.join(map(str, self.image_shape))}) with n of "
                f"at least 1, got {images.shape}."
            )
        return self.scale(images)

    def scale(self, pixels: Any) -> np.ndarray:
        """Put pixel values of any shape into the network's units, as float32."""
        values = np.asarray(pixels, dtype=np.float32)
        if self._rescaling is None:
            return values
        return values * np.float32(self._rescaling.scale) + np.float32(self._rescaling.offset)

    def unscale(self, x: np.ndarray) -> np.ndarray:
        """Undo `scale`, in the type that ``predict`` takes: uint8 where it was fitted on that."""
        if self._rescaling is not None:
            x = (x - np.float32(self._rescaling.offset)) / np.float32(self._rescaling.scale)
        if not self.takes_bytes:
            return x.astype(np.float32)
        return np.clip(np.rint(x), 0, 255).astype(np.uint8)

    @property
    def takes_bytes(self) -> bool:
        """Whether pixels are known to be 0–255: a classifier fitted on uint8."""
        return self._classifier is not None and self._classifier._is_uint8

    def _positions(self, view: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return which pixel a view shows where, by letting it look at their numbers."""
        height, width, _ = self.image_shape
        numbers = np.arange(height * width).reshape(1, height, width, 1)
        return view(numbers).ravel().astype(np.int32)

    # --- layers -------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """Layers with weights or without, in order; nested models are opened."""
        return list(flat_layers(self.model))

    def layer(self, name: str) -> Any:
        """Look up a layer that is used once, by its name."""
        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise InputError(f"The network has no layer {name!r}{did_you_mean(name, found)}.")
        if self.is_shared(found[name]):
            raise InputError(
                f"layer must be used once, but {name!r} is used in several places of the network."
            )
        return found[name]

    def is_shared(self, layer: Any) -> bool:
        """Whether a layer is used more than once."""
        return times_used(self.model, layer) > 1

    # --- running ------------------------------------------------------------------------

    def columns(self, classes: Any, x: np.ndarray) -> np.ndarray:
        """Turn labels, or None for the predicted class of each image, into positions of logits."""
        if classes is None:
            return self.predict_logits(x).argmax(axis=1)
        given = np.asarray(classes)
        if given.ndim > 1 or (given.ndim and len(given) != len(x)):
            raise InputError(
                f"classes must be one label, or one for each of the {len(x)} images; got shape "
                f"{given.shape}."
            )
        return np.broadcast_to(self.positions_of(given), len(x)).astype(np.int64)

    def positions_of(self, labels: Any) -> np.ndarray:
        """Return where labels stand among `classes`; an unknown one is an `InputError`."""
        labels = np.asarray(labels)
        known = {label: position for position, label in enumerate(self.classes.tolist())}
        unknown = [label for label in labels.ravel().tolist() if label not in known]
        if unknown:
            raise InputError(f"classes must be among {self.classes.tolist()}, got {unknown[0]!r}.")
        return np.array([known[label] for label in labels.ravel().tolist()]).reshape(labels.shape)

    def logits(self, x: Any, *, replaced: Replacements | None = None, views: bool = True) -> Any:
        """Compute the logits in the graph, so that they can be differentiated; float32.

        With `views` they are the mean over those of test-time augmentation, where the classifier
        predicts by it: the predicted probabilities are their softmax. `replaced` is as for
        `run_graph`.
        """
        if not views:
            return self._run(x, replaced)
        height, width, n_channels = self.image_shape
        total = 0.0
        for share, positions in self._views:
            seen = x
            if positions is not None:
                rows = ops.reshape(x, (-1, height * width, n_channels))
                seen = ops.reshape(ops.take(rows, positions, axis=1), (-1, *self.image_shape))
            total = total + share * self._run(seen, replaced)
        return total

    def _run(self, x: Any, replaced: Replacements | None) -> Any:
        replaced = {**self._replaced, **(replaced or {})}
        outputs = ops.cast(run_graph(self.model, x, replaced), "float32")
        if self._ends_in_softmax:
            return outputs
        log_proba = ops.log(ops.maximum(outputs, 1e-37))
        return log_proba - ops.mean(log_proba, axis=1, keepdims=True)

    def activation(self, layer: Any, x: Any) -> Any:
        """Compute in the graph what a layer returns, float32."""
        found: list[Any] = []

        def keep(called: Any, *args: Any, **kwargs: Any) -> Any:
            found.append(called(*args, **kwargs))
            return found[-1]

        self.logits(x, replaced={layer: keep}, views=False)
        return ops.cast(found[0], "float32")

    def predict_logits(self, x: np.ndarray) -> np.ndarray:
        """Compute the logits of many images, float32 (n, n_classes)."""
        return self.evaluate(self.logits, x)

    def evaluate(self, function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
        """Apply a function of tensors to an array, compiled and in batches; float32."""
        return self.evaluate_batches(function, in_batches(x))

    def evaluate_batches(
        self, function: Callable[[Any], Any], batches: Iterable[np.ndarray]
    ) -> np.ndarray:
        """Apply a function of tensors to batches as they come, and join what it returns."""
        compiled = _Compiled(self.model, function)
        outputs = [compiled.predict_on_batch(batch) for batch in batches]
        return np.concatenate(outputs).astype(np.float32)

    def differentiate(
        self, function: Callable[..., Any] | None = None
    ) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
        """Return a function of arrays (n, ...) that computes values and gradients, in batches.

        `function` is as for `value_and_gradient`; by default the logit of a class.
        """
        compute = value_and_gradient(function or self.logit_of)

        def of_arrays(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            parts = [compute(*batch) for batch in zip(*map(in_batches, arrays), strict=True)]
            values, gradients = zip(*parts, strict=True)
            return _joined(values), _joined(gradients)

        return of_arrays

    def logit_of(self, x: Any, weight: Any) -> Any:
        """Compute each image's logits times its row of `weight`, summed, in the graph."""
        return ops.sum(self.logits(x) * weight, axis=1)

    def one_hot(self, columns: np.ndarray) -> np.ndarray:
        """Return float32 (n, n_classes) with 1 at each column."""
        return np.eye(len(self.classes), dtype=np.float32)[columns]


def _model_of(classifier: Any) -> keras.Model:
    if isinstance(classifier, keras.Model):
        return classifier
    if not isinstance(classifier, BaseImageClassifier):
        raise InputError(
            "classifier must be a fitted image classifier of cifar_sk or a keras.Model, got "
            f"{type(classifier).__name__}."
        )
    check_is_fitted(classifier, "model_")
    return classifier.model_


def _shapes_of(model: keras.Model) -> tuple[tuple[int, ...], int]:
    """Return the shape of an image, and the number of classes."""
    shape: Any = getattr(model, "input_shape", None)
    outputs: Any = getattr(model, "output_shape", None)
    are_single = isinstance(shape, tuple) and isinstance(outputs, tuple)
    if not are_single or (len(shape), len(outputs)) != (4, 2):
        raise InputError(
            f"The network must take images (n, height, width, channels) and return (n, "
            f"n_classes) probabilities, but it maps {shape} to {outputs}; fit the classifier on "
            f"images, or on rows with image_shape=."
        )
    return tuple(shape[1:]), outputs[1]


def logits(classifier: BaseImageClassifier | keras.Model, images: Any) -> np.ndarray:
    """Compute what the softmax is computed from, float32 (n, n_classes).

    Examples
    --------
    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(),
    ...     keras.layers.Dense(2, "softmax", kernel_initializer="ones")])
    >>> logits(model, np.full((1, 4, 4), 0.5))
    array([[8., 8.]], dtype=float32)
    """
    network = ImageNetwork(classifier)
    with released_memory():
        return network.predict_logits(network.prepare(images))


class _Compiled(keras.Model):
    """A function of tensors, compiled as whatever backend there is compiles ``predict``."""

    def __init__(self, model: keras.Model, function: Callable[[Any], Any]) -> None:
        super().__init__(name="compiled")
        self._weights_of = model  # tracked, so that the weights are known to be read
        self._function = function

    def build(self, input_shape: Any) -> None:
        """Do nothing: there are no weights to make."""

    def call(self, x: Any) -> Any:
        """Apply the function."""
        return self._function(x)


def in_batches(array: np.ndarray) -> list[np.ndarray]:
    """Cut an array into parts of ``BATCH_SIZE`` rows."""
    return [array[start : start + BATCH_SIZE] for start in range(0, len(array), BATCH_SIZE)]


def _joined(tensors: Any) -> np.ndarray:
    parts = [ops.convert_to_numpy(tensor) for tensor in tensors]
    return np.concatenate(parts).astype(np.float32)
