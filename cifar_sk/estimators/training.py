"""What happens inside ``fit``: the training step, and what watches it, on Keras.

Only Keras is used here, no backend's own calls, so that it runs on any of Keras' backends.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np
from keras import ops

from cifar_sk.augmentation.layers import mix_targets
from cifar_sk.backend.operations import synchronise
from cifar_sk.errors import InputError
from cifar_sk.folds.progress import EpochEnd, current_fold, report_epoch
from cifar_sk.registry import own_code

__all__ = [
    "EpochWatch",
    "Lookahead",
    "TrainingModel",
    "adapt_layers",
    "compile_training",
    "generator_states",
    "make_callbacks",
    "make_own_callback",
    "set_generator_states",
]


def adapt_layers(classifier: keras.Model, images: np.ndarray, index: np.ndarray) -> None:
    """Show 5,000 training images, spread evenly, to layers that learn from them before training.

    Such a layer has an ``adapt``, as ``keras.layers.Normalization`` has. It is shown pixels in
    [0, 1], so it has to be the first of its network.
    """
    layers = [layer for layer in _flat_layers(classifier) if hasattr(layer, "adapt")]
    if not layers:
        return
    shown = images[index[np.linspace(0, len(index) - 1, min(len(index), 5000), dtype=int)]]
    pixels = shown.astype(np.float32)
    if images.dtype == np.uint8:
        pixels /= 255
    for layer in layers:
        layer.adapt(pixels)


def _flat_layers(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield from _flat_layers(layer) if isinstance(layer, keras.Model) else (layer,)


class TrainingModel(keras.Model):
    """Trains a classifier on augmented batches; evaluates it on batches as they are.

    Augmentation and label mixing live in this model and not in the classifier, so that what
    predicts and what is saved never contains them: a callback that saves this model saves the
    classifier. Pixels are multiplied by `scale` before they are augmented; the classifier's first
    layer does the same.
    """

    def __init__(
        self,
        classifier: keras.Model,
        *,
        scale: float,
        augmentation: keras.layers.Layer | None,
        label_smoothing: float,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.augmentation = augmentation
        self._scale = scale
        self._label_smoothing = label_smoothing
        self._mixes: list[Any] = []
        self.build(None)  # BackupAndRestore asks for a built model before the first batch

    def build(self, input_shape: Any) -> None:
        """Do nothing: the classifier is built, and augmentation has no weights."""

    def call(self, images: Any, training: bool = False) -> Any:
        """Return class probabilities, of augmented images where `training`."""
        self._mixes = []
        if training and self.augmentation is not None:
            scaled = ops.cast(images, "float32") * self._scale
            scaled, self._mixes = self.augmentation(scaled)
            images = scaled / self._scale
        return self.classifier(images, training=training)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the classifier, as a callback such as ``ModelCheckpoint`` asks."""
        self.classifier.save(*args, **kwargs)

    def save_weights(self, *args: Any, **kwargs: Any) -> None:
        """Save the classifier's weights and the optimiser's."""
        self.classifier.save_weights(*args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """Load what `save_weights` saved, as ``BackupAndRestore`` asks."""
        self.classifier.load_weights(*args, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Cross-entropy; in training with smoothed and mixed labels, and weight penalties."""
        target = ops.one_hot(y, y_pred.shape[-1])
        if not training:
            return ops.mean(_weighted(_cross_entropy(target, y_pred), sample_weight))
        target = target * (1 - self._label_smoothing) + self._label_smoothing / target.shape[-1]
        target, sample_weight = self._mix(target, sample_weight)
        loss = ops.mean(_weighted(_cross_entropy(target, y_pred), sample_weight))
        return loss + sum(self.losses)

    def _mix(self, target: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Mix the labels as the images were mixed, each with its own weight."""
        if not self._mixes:
            return target, sample_weight
        if sample_weight is None:
            return mix_targets(target, self._mixes), None
        sample_weight = ops.cast(sample_weight, target.dtype)
        weighted = mix_targets(target * sample_weight[:, None], self._mixes)
        mixed_weight = ops.sum(weighted, axis=-1)
        # The fused cross-entropy's gradient holds for targets that sum to 1.
        return weighted / ops.maximum(mixed_weight, 1e-7)[:, None], mixed_weight


def _cross_entropy(target: Any, proba: Any) -> Any:
    return ops.categorical_crossentropy(target, proba)


def _weighted(values: Any, sample_weight: Any) -> Any:
    return values if sample_weight is None else values * ops.cast(sample_weight, values.dtype)


class EpochWatch(keras.callbacks.Callback):
    """Reports every epoch to whoever listens, and stops at a loss that is not finite."""

    def __init__(self, n_epochs: int, learning_rate: float) -> None:
        super().__init__()
        self._n_epochs = n_epochs
        self._learning_rate = learning_rate
        self._done = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Check, then report."""
        self._done += 1
        logs = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"The training loss became {logs['loss']} in epoch {epoch + 1}; lower "
                f"learning_rate (it is {self._learning_rate:g})."
            )
        report_epoch(EpochEnd(self._done, self._n_epochs, logs))


class Lookahead(keras.callbacks.Callback):
    """Pulls the weights back, every few steps, to a slow average of them [1]_.

    The moving statistics of batch normalisations are averaged too. The pull fades in with the
    third power of the share of steps done, and training ends on the average. The average begins
    at the first pull, so that a short fit keeps nothing of the initial weights. `decay` is what
    is kept of the average at a pull near the end.

    References
    ----------
    .. [1] M. R. Zhang, J. Lucas, G. Hinton and J. Ba, "Lookahead optimizer", NeurIPS 2019.
       :doi:`10.48550/arXiv.1907.08610`
    """

    def __init__(self, n_steps: int, every: int, decay: float = 0.95**5) -> None:
        super().__init__()
        self._n_steps = n_steps
        self._every = every
        self._decay = decay
        self._done = 0
        self._slow: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Average, and go on from the average."""
        self._done += 1
        if self._done % self._every == 0:
            self._pull(self._decay * (self._done / self._n_steps) ** 3)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Let go of the average."""
        if self._done == self._n_steps and self._slow:
            self._pull(1.0)
        self._slow = []

    def _pull(self, kept: float) -> None:
        synchronise(self.model)
        weights = self.model.classifier.weights
        if not self._slow:
            self._slow = [ops.copy(ops.stop_gradient(weight)) for weight in weights]
        for position, weight in enumerate(weights):
            # In this form what is frozen stays as it is, to the bit. And PyTorch would keep the
            # graph of every average, for a gradient that nobody takes.
            slow = ops.stop_gradient(weight + kept * (self._slow[position] - weight))
            self._slow[position] = slow
            weight.assign(ops.copy(slow))  # JAX overwrites in place what it trains


def make_callbacks(
    *, plateau: bool, early_stopping: bool, patience: int, min_delta: float
) -> list[keras.callbacks.Callback]:
    """Make the callbacks that watch the inner validation split, new ones for every fit.

    A plateau of three epochs halves the learning rate. Early stopping comes after `patience`
    epochs without a loss better by `min_delta`, in nats, and restores the best epoch's weights.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if plateau:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau("val_loss", mode="min", factor=0.5, patience=3)
        )
    if early_stopping:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss",
                mode="min",
                patience=patience,
                min_delta=min_delta,
                restore_best_weights=True,
            )
        )
    return callbacks


def make_own_callback(make: Callable[..., Any]) -> keras.callbacks.Callback:
    """Make a user's callback; a factory with a parameter ``fold`` is told which fold it is for."""
    name = getattr(make, "__name__", type(make).__name__)
    with own_code("callback", name):
        made = make(fold=current_fold()) if _asks_for_fold(make) else make()
    if not isinstance(made, keras.callbacks.Callback):
        raise InputError(
            f"The callback {name!r} must make a keras.callbacks.Callback, got "
            f"{type(made).__name__}."
        )
    return made


def _asks_for_fold(make: Callable[..., Any]) -> bool:
    try:
        return "fold" in inspect.signature(make).parameters
    except (TypeError, ValueError):  # compiled code may not tell its parameters
        return False


def compile_training(trainer: TrainingModel, optimizer: keras.optimizers.Optimizer) -> None:
    """Give the training model and its classifier one optimiser, so that it is saved with them."""
    # Keras chooses the compiler: XLA on JAX, and on TensorFlow where there is a GPU (its
    # convolutions ran 5 to 8 times slower than oneDNN's on CPUs).
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    trainer.compile(optimizer, metrics=[accuracy])
    trainer.classifier.compile(optimizer, "sparse_categorical_crossentropy")


def _generator_variables(model: keras.Model) -> list[Any]:
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def generator_states(model: keras.Model) -> list[list[int]]:
    """Read the random generators of dropout layers, which Keras does not save."""
    return [ops.convert_to_numpy(v).tolist() for v in _generator_variables(model)]


def set_generator_states(model: keras.Model, states: list[list[int]]) -> None:
    """Set what `generator_states` read from a classifier of the same layers."""
    for variable, state in zip(_generator_variables(model), states, strict=True):
        variable.assign(state)
