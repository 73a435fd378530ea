"""What happens inside ``fit``: batches, the training step, schedules and callbacks, on Keras.

Only Keras is used here, no backend's own calls, so that it runs on any of Keras' backends.
"""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np
from keras import ops

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.estimators.backend import has_gpu
from cifar_sk.progress import EpochEnd, report_epoch

__all__ = [
    "PREDICT_BATCH_SIZE",
    "SCHEDULES",
    "BatchSequence",
    "EpochWatch",
    "TrainingModel",
    "compile_training",
    "generator_states",
    "learning_rate_schedule",
    "make_callbacks",
    "make_optimizer",
    "optimizer_defaults",
    "seeded",
    "set_generator_states",
]

PREDICT_BATCH_SIZE = 256
SCHEDULES = ("constant", "exponential", "cosine", "one_cycle", "reduce_on_plateau")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make Keras draw its layers' seeds from `seed`, and leave the global generator as it was.

    Keras takes the seed of an initialiser or a dropout layer that was given none from Python's
    ``random``; nothing else needs to be seeded, and nothing stays seeded.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class BatchSequence(keras.utils.PyDataset):
    """Batches of some samples of arrays that are never copied as a whole.

    Parameters
    ----------
    images : ndarray of shape (n, ...)
        All images, uint8 or float.
    index : ndarray of int, shape (n_used,)
        The samples to use, as positions in `images`.
    batch_size : int
        Samples per batch; the last batch of an epoch may be smaller.
    target : ndarray of int32, shape (n,), or None
        Encoded classes; None for prediction.
    sample_weight : ndarray of float32, shape (n,), or None
        Weights.
    seed : int or None
        Seed of the order, which is new in every epoch; None keeps the order of `index`.
    """

    def __init__(
        self,
        images: np.ndarray,
        index: np.ndarray,
        batch_size: int,
        *,
        target: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self._arrays = tuple(a for a in (images, target, sample_weight) if a is not None)
        self._index = index
        self._batch_size = batch_size
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._order = self._draw()

    def _draw(self) -> np.ndarray:
        return self._index if self._rng is None else self._rng.permutation(self._index)

    def __len__(self) -> int:
        return math.ceil(len(self._index) / self._batch_size)

    def __getitem__(self, position: int) -> tuple[np.ndarray, ...]:
        start = position * self._batch_size
        # Sorted, the gather reads memory in order; within a batch the order has no effect.
        chosen = np.sort(self._order[start : start + self._batch_size])
        return tuple(_as_batch(array[chosen]) for array in self._arrays)

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._order = self._draw()


def _as_batch(batch: np.ndarray) -> np.ndarray:
    return batch.astype("float32") if batch.dtype.kind == "f" else batch


class TrainingModel(keras.Model):
    """Trains a classifier on augmented batches; evaluates it on batches as they are.

    Augmentation and label mixing live in this model and not in the classifier, so that what
    predicts and what is saved never contains them.

    Parameters
    ----------
    classifier : keras.Model
        Raw pixels in, class probabilities out. Trained in place.
    scale : float
        What pixels are multiplied by before they are augmented; the classifier's first layer
        does the same.
    augmentation : keras.layers.Layer or None
        Images in [0, 1] in; augmented images and label mixes out.
    label_smoothing : float in [0, 1)
        Share of the target spread evenly over the classes.
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

    def call(self, images: Any, training: bool = False) -> Any:
        """Return class probabilities, of augmented images where `training`."""
        self._mixes = []
        if training and self.augmentation is not None:
            scaled = ops.cast(images, "float32") * self._scale
            scaled, self._mixes = self.augmentation(scaled)
            images = scaled / self._scale
        return self.classifier(images, training=training)

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
        from cifar_sk.augmentation.operations import mix_targets

        if sample_weight is None:
            return mix_targets(target, self._mixes), None
        weighted = mix_targets(target * sample_weight[:, None], self._mixes)
        mixed_weight = ops.sum(weighted, axis=-1)
        # The fused cross-entropy's gradient holds for targets that sum to 1.
        return weighted / ops.maximum(mixed_weight, 1e-7)[:, None], mixed_weight


def _cross_entropy(target: Any, proba: Any) -> Any:
    return ops.categorical_crossentropy(target, proba)


def _weighted(values: Any, sample_weight: Any) -> Any:
    return values if sample_weight is None else values * ops.cast(sample_weight, values.dtype)


class EpochWatch(keras.callbacks.Callback):
    """Reports every epoch to whoever listens, and stops at a loss that is not finite.

    Parameters
    ----------
    n_epochs : int
        Epochs to come.
    learning_rate : float
        For the message.
    """

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


def learning_rate_schedule(name: str, learning_rate: float, n_steps: int) -> Any:
    """Learning rate as a function of the step, where it is one.

    Parameters
    ----------
    name : str
        "constant" and "reduce_on_plateau" stay at `learning_rate` here (a callback reduces the
        latter); "exponential" falls to 1 % of it; "cosine" to 0; "one_cycle" rises linearly
        from 4 % over the first 30 % of the steps and then falls as a cosine to 0.
    learning_rate : float
        The highest rate.
    n_steps : int
        Batches of the whole fit.

    Returns
    -------
    float or keras.optimizers.schedules.LearningRateSchedule

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       ICLR 2017. :doi:`10.48550/arXiv.1608.03983`
    .. [2] L. N. Smith and N. Topin, "Super-convergence", 2019. :doi:`10.1117/12.2520589`
    """
    schedules = keras.optimizers.schedules
    if name == "exponential":
        return schedules.ExponentialDecay(learning_rate, decay_steps=n_steps, decay_rate=0.01)
    if name == "cosine":
        return schedules.CosineDecay(learning_rate, decay_steps=n_steps)
    if name == "one_cycle":
        warmup = max(1, round(0.3 * n_steps))
        return schedules.CosineDecay(
            learning_rate / 25,
            decay_steps=max(1, n_steps - warmup),
            warmup_target=learning_rate,
            warmup_steps=warmup,
        )
    return learning_rate


def make_callbacks(
    *, plateau: bool, early_stopping: bool, patience: int, min_delta: float
) -> list[keras.callbacks.Callback]:
    """Make the callbacks that watch the inner validation split, new ones for every fit.

    Parameters
    ----------
    plateau : bool
        Whether to halve the learning rate after three epochs without a better loss.
    early_stopping : bool
        Whether to stop after `patience` epochs without a loss better by `min_delta`, and to
        restore the best epoch's weights.
    patience : int
        Epochs.
    min_delta : float
        Cross-entropy, nats.

    Returns
    -------
    list of keras.callbacks.Callback
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


def _optimizer_class(optimizer: Any) -> Any:
    """Find what makes the optimiser; an instance would be shared by every clone."""
    if callable(optimizer):
        return optimizer
    classes = {
        name.lower(): value
        for name, value in vars(keras.optimizers).items()
        if inspect.isclass(value)
        and issubclass(value, keras.optimizers.Optimizer)
        and {"learning_rate", "weight_decay"} <= set(inspect.signature(value).parameters)
        and value is not keras.optimizers.Optimizer  # wrappers have no rate, the base no step
    }
    if str(optimizer).lower() not in classes:
        raise InputError(
            f"There is no optimizer {optimizer!r}{did_you_mean(str(optimizer), classes)}."
        )
    return classes[optimizer.lower()]


def optimizer_defaults(optimizer: Any) -> dict[str, Any]:
    """List an optimiser's own keywords.

    Parameters
    ----------
    optimizer : str or callable
        Name of a Keras optimiser, or what makes one.

    Returns
    -------
    dict
        Defaults by name, but for the learning rate, which is the classifier's parameter.
    """
    signature = inspect.signature(_optimizer_class(optimizer)).parameters
    ignored = {"learning_rate", "name", "kwargs"}
    return {name: p.default for name, p in signature.items() if name not in ignored}


def make_optimizer(
    optimizer: Any,
    params: dict[str, Any] | None,
    *,
    learning_rate: float,
    schedule: str,
    n_steps: int,
) -> keras.optimizers.Optimizer:
    """Make an optimiser.

    Parameters
    ----------
    optimizer : str or callable
        Name of a Keras optimiser, or what makes one.
    params : dict or None
        Its keywords.
    learning_rate, schedule, n_steps
        As in `learning_rate_schedule`.

    Returns
    -------
    keras.optimizers.Optimizer
    """
    rate = learning_rate_schedule(schedule, learning_rate, n_steps)
    return _optimizer_class(optimizer)(learning_rate=rate, **(params or {}))


def compile_training(trainer: TrainingModel, optimizer: keras.optimizers.Optimizer) -> None:
    """Give the training model and its classifier the optimiser.

    Parameters
    ----------
    trainer : TrainingModel
        What trains.
    optimizer : keras.optimizers.Optimizer
        One object for both, so that it is saved with the classifier.
    """
    # Keras' "auto" means XLA, whose convolutions ran 5 to 8 times slower than oneDNN's on CPUs.
    jit_compile = "auto" if has_gpu() else False
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    trainer.compile(optimizer, metrics=[accuracy], jit_compile=jit_compile)
    trainer.classifier.compile(
        optimizer, "sparse_categorical_crossentropy", jit_compile=jit_compile
    )


def _generator_variables(model: keras.Model) -> list[Any]:
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def generator_states(model: keras.Model) -> list[list[int]]:
    """Read the random generators of dropout layers, which Keras does not save.

    Parameters
    ----------
    model : keras.Model
        The classifier.

    Returns
    -------
    list of list of int
        In the order of the layers.
    """
    return [ops.convert_to_numpy(v).tolist() for v in _generator_variables(model)]


def set_generator_states(model: keras.Model, states: list[list[int]]) -> None:
    """Set what `generator_states` read.

    Parameters
    ----------
    model : keras.Model
        A classifier of the same layers.
    states : list of list of int
        In the order of the layers.
    """
    for variable, state in zip(_generator_variables(model), states, strict=True):
        variable.assign(state)
