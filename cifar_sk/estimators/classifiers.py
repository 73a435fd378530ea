"""The classifiers that people import.

Their parameters are explicit, as scikit-learn wants them; what they do is in
`cifar_sk.estimators.base`, what the networks look like in `cifar_sk.networks`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.random import RandomState

from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.networks import get_network
from cifar_sk.networks.checks import check_builder

if TYPE_CHECKING:
    import keras

__all__ = ["ANNClassifier", "CNNClassifier", "KerasImageClassifier"]

_TRAINING_DOC = """image_shape : (height, width, channels) or None, default=None
        Shape of an image, where X comes as flattened rows.
    optimizer : str or callable, default="adam"
        Name of a Keras optimiser, or what makes one from ``learning_rate`` and keywords.
        No instance: it would be shared by every clone.
    optimizer_params : dict or None, default=None
        Its keywords, also reachable as ``optimizer__momentum`` and the like.
    learning_rate : float, default=1e-3
        The highest rate of the schedule.
    schedule : str, default="reduce_on_plateau"
        "constant", "exponential" (to 1 %), "cosine" (to 0), "one_cycle" (up over 30 % of the
        steps, then down to 0) or "reduce_on_plateau" (half, after three epochs without a
        better inner validation loss).
    epochs : int, default=50
        Passes over the training samples, at most.
    batch_size : int, default=32
        Samples per step.
    label_smoothing : float in [0, 1), default=0.0
        Share of the target that is spread evenly over the classes in training.
    early_stopping : bool, default=True
        Whether to stop after `n_iter_no_change` epochs without a better loss on an inner
        validation split, and to restore the best epoch's weights. The split is a stratified
        part of what ``fit`` was given, in whole groups where it was given groups; it is not
        trained on and never augmented. Where steps of a pipeline resample or learn, use
        `InnerSplitPipeline`, which draws the split before them.
    validation_fraction : float in (0, 1), default=0.1
        Size of that split. It is held out only where early stopping or
        ``schedule="reduce_on_plateau"`` watches it.
    n_iter_no_change : int, default=5
        Patience of early stopping, epochs.
    tol : float, default=1e-4
        By how much the cross-entropy must fall to count as better, nats.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes.
    callbacks : list of callable or None, default=None
        Classes or functions that return a Keras callback; called once per ``fit``. Callback
        objects are refused, for they would carry their state from fold to fold. A function with
        a parameter ``fold`` is given the index of the fold, from 0 and counted on over repeats,
        or None outside of `cross_validate_oof`: ``lambda fold: CSVLogger(f"log-{fold}.csv")``.
        What ``ModelCheckpoint`` saves is the network that predicts, without augmentation.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the previous one.
    random_state : int, RandomState or None, default=None
        Seed of weights, dropout, batch order, inner split and augmentation. Two fits with one
        integer on one machine, with as many threads, give bit-identical predictions.
    verbose : int, default=0
        Keras' own output.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_classes_ : int
        How many.
    n_features_in_ : int
        Length of the first axis of a sample, as scikit-learn counts.
    history_ : dict of str to list of float
        Per epoch: ``loss`` (what training minimises, weight penalties and label smoothing
        included), ``accuracy``, and with an inner split ``val_loss`` (cross-entropy alone) and
        ``val_accuracy``.
    n_epochs_ : int
        Epochs trained.
    n_parameters_ : int
        Weights of the network, trainable or not.
    n_multiply_adds_ : int or None
        Multiply-adds of one image's way through the network; None where a layer is not known.
    model_ : keras.Model
        Raw pixels in, class probabilities out."""


def _documented(cls: type) -> type:
    """Complete a class's docstring by the parameters that the classifiers share."""
    cls.__doc__ = (cls.__doc__ or "").replace("{training}", _TRAINING_DOC)
    return cls


@_documented
class ANNClassifier(BaseImageClassifier):
    """Fully connected network on the flattened pixels.

    Parameters
    ----------
    hidden_units : sequence of int, default=(3000, 1000)
        Width of each hidden layer.
    activation : str, default="relu"
        Any Keras activation: "relu", "gelu", "swish", ….
    dropout : float in [0, 1), default=0.0
        Rate after each hidden layer.
    l2 : float, default=0.0
        L2 penalty on the hidden kernels.
    kernel_initializer : str, default="glorot_uniform"
        Any Keras initialiser, for the hidden kernels.
    {training}
    """

    def __init__(
        self,
        *,
        hidden_units: Sequence[int] = (3000, 1000),
        activation: str = "relu",
        dropout: float = 0.0,
        l2: float = 0.0,
        kernel_initializer: str = "glorot_uniform",
        image_shape: Sequence[int] | None = None,
        optimizer: str | Callable[..., Any] = "adam",
        optimizer_params: dict[str, Any] | None = None,
        learning_rate: float = 1e-3,
        schedule: str = "reduce_on_plateau",
        epochs: int = 50,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        warm_start: bool = False,
        random_state: int | RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self._store(locals())

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        return _build_from_own_params(self, "ann", input_shape, n_classes)


@_documented
class CNNClassifier(BaseImageClassifier):
    """Convolutional network: blocks of convolution, normalisation, pooling and dropout.

    Parameters
    ----------
    widths : sequence of int, default=(32, 64, 128)
        Filters of each block; every block halves the image.
    convs_per_block : int, default=1
        Convolutions of each block, each followed by batch normalisation.
    kernel_size : int, default=3
        Side of the square kernels.
    activation : str, default="relu"
        Any Keras activation: "relu", "gelu", "swish", ….
    batch_normalization : bool, default=True
        Whether the convolutions are normalised.
    dropout : float in [0, 1), default=0.25
        Rate after each block.
    dense_units : sequence of int, default=(256,)
        Width of each hidden dense layer.
    dense_dropout : float in [0, 1), default=0.5
        Rate after each hidden dense layer.
    l2 : float, default=1e-3
        L2 penalty on the kernels, but for the softmax's.
    kernel_initializer : str, default="glorot_uniform"
        Any Keras initialiser.
    {training}
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (32, 64, 128),
        convs_per_block: int = 1,
        kernel_size: int = 3,
        activation: str = "relu",
        batch_normalization: bool = True,
        dropout: float = 0.25,
        dense_units: Sequence[int] = (256,),
        dense_dropout: float = 0.5,
        l2: float = 1e-3,
        kernel_initializer: str = "glorot_uniform",
        image_shape: Sequence[int] | None = None,
        optimizer: str | Callable[..., Any] = "adam",
        optimizer_params: dict[str, Any] | None = None,
        learning_rate: float = 1e-3,
        schedule: str = "reduce_on_plateau",
        epochs: int = 50,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        warm_start: bool = False,
        random_state: int | RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self._store(locals())

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        return _build_from_own_params(self, "cnn", input_shape, n_classes)


def _build_from_own_params(
    classifier: BaseImageClassifier, network: str, input_shape: tuple[int, ...], n_classes: int
) -> keras.Model:
    """Build a network whose keywords are parameters of the classifier."""
    build = get_network(network).build
    params = {name: getattr(classifier, name) for name in _keywords(build)}
    return build(input_shape, n_classes, **params)


def _keywords(build: Callable[..., Any]) -> dict[str, Any]:
    """List a builder's hyperparameters with their defaults."""
    parameters = inspect.signature(build).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@_documented
class KerasImageClassifier(BaseImageClassifier):
    """Any network as a scikit-learn classifier.

    Parameters
    ----------
    network : str or callable, default="cnn"
        A registered name ("ann", "cnn", "cnn-basic", "cnn-deep", "fast", "resnet", "vgg") or a
        function ``build(input_shape, n_classes, **hyperparameters)`` that returns a
        ``keras.Model``: pixels in [0, 1] in, softmax out.
    network_params : dict or None, default=None
        The builder's keywords, also reachable as ``network__depth`` and the like.
    {training}
    """

    def __init__(
        self,
        network: str | Callable[..., keras.Model] = "cnn",
        *,
        network_params: dict[str, Any] | None = None,
        image_shape: Sequence[int] | None = None,
        optimizer: str | Callable[..., Any] = "adam",
        optimizer_params: dict[str, Any] | None = None,
        learning_rate: float = 1e-3,
        schedule: str = "reduce_on_plateau",
        epochs: int = 50,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        warm_start: bool = False,
        random_state: int | RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self._store(locals())

    def _nested_params(self) -> dict[str, tuple[str, dict[str, Any]]]:
        return {
            **super()._nested_params(),
            "network": ("network_params", _keywords(self._builder)),
        }

    @property
    def _builder(self) -> Callable[..., keras.Model]:
        builder = self.network if callable(self.network) else get_network(self.network).build
        check_builder(builder)
        return builder

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        return self._builder(input_shape, n_classes, **(self.network_params or {}))
