"""A classifier that learns within a dozen passes over the images."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.random import RandomState
from sklearn.utils._param_validation import Interval, StrOptions

from cifar_sk.augmentation import RandomCrop
from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.estimators.batches import mirror
from cifar_sk.estimators.optimizers import BiasedSGD, learning_rate_schedule
from cifar_sk.estimators.training import Lookahead
from cifar_sk.networks import fast

if TYPE_CHECKING:
    import keras

__all__ = ["FastCNNClassifier"]

# What the learning rate and the lookahead's interval are for.
_RATE_BATCH = 512
_SAMPLES_PER_PULL = 5 * 1024

# Views of an image at prediction: share, whether mirrored, pixels that it is shifted by (down
# and right), each averaged as logits.
_VIEWS: dict[str, list[tuple[float, bool, int]]] = {
    "none": [(1, False, 0)],
    "flip": [(1 / 2, False, 0), (1 / 2, True, 0)],
    "flip_shift": [
        (1 / 4, False, 0),
        (1 / 4, True, 0),
        *((1 / 8, mirrored, shift) for shift in (-1, 1) for mirrored in (False, True)),
    ],
}


class FastCNNClassifier(BaseImageClassifier):
    """Convolutional network that learns within a dozen epochs.

    The recipe of airbench94 [1]_: a whitening first layer computed from the training images,
    convolutions that begin as the identity, Nesterov momentum with fast biases, a triangular
    learning rate, label smoothing, lookahead, alternating flips and small crops, and test-time
    augmentation. Other than there: smaller batches at half the rate, swish for GELU, weight
    decay beside the gradient and not in it, and a whitening bias that is trained to the end.

    Parameters
    ----------
    width : int, default=64
        Filters of the first group's convolutions.
    expansion : int, default=4
        How many times as many filters the other two groups have.
    activation : str, default="swish"
        Any Keras activation. The recipe has "gelu", which costs a fifth more on a processor and
        scored as well here.
    flip : bool, default=True
        Whether training mirrors the images, in alternating epochs, and prediction looks at both
        ways. Set to False for digits, letters and whatever else is not the same mirrored.
    crop : int, default=2
        Pixels of reflected padding of the random crops; 0 for none.
    tta : {"flip_shift", "flip", "none"}, default="flip_shift"
        Test-time augmentation: logits are averaged over the image and its mirror image, with
        "flip_shift" also over both shifted by a pixel up-left and down-right. Six, two or one
        passes through the network; ``predict`` and ``predict_proba`` take another one.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        What activations are computed in. "auto" means bfloat16 where the processor or GPU
        multiplies it natively, float32 elsewhere.
    learning_rate : float, default=0.75
        The highest rate of the schedule, for batches of 512; it goes with the square root of the
        batch size, for small data sets have small batches and few of them.
    schedule : str, default="triangular"
        As for `CNNClassifier`.
    momentum : float in [0, 1), default=0.85
        Nesterov momentum.
    bias_rate : float, default=64.0
        How many times as fast the biases of batch normalisations are trained.
    weight_decay : float, default=8.9e-3
        Share of the weights that a step takes off, times the learning rate. The recipe's L2
        coefficient of 1.33e-3, as momentum multiplies it (by 1 / (1 − 0.85)).
    lookahead : bool, default=True
        Whether the weights are pulled to a slow average of them every 5,120 samples, or more
        often where a fit would have less than 15 pulls.
    epochs : int, default=12
        Passes over the training samples.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" means 512, or less where an epoch would then have less than 64
        steps, but 32 at least. What is left over at the end of an epoch is left out of it, another
        part in every epoch.
    label_smoothing : float in [0, 1), default=0.2
        Share of the target that is spread evenly over the classes in training.
    early_stopping : bool, default=False
        As for `CNNClassifier`; of little use, for the schedule is made for all epochs.
    validation_fraction, n_iter_no_change, tol, class_weight, callbacks
        As for `CNNClassifier`.
    image_shape, warm_start, random_state, verbose
        As for `CNNClassifier`.

    Attributes
    ----------
    classes_, n_classes_, n_features_in_, n_epochs_, n_parameters_
        As for `CNNClassifier`.
    history_, n_multiply_adds_, model_
        As for `CNNClassifier`; without test-time augmentation, which takes several passes.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
       :doi:`10.48550/arXiv.2404.00498`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from cifar_sk import FastCNNClassifier
    >>> digits = load_digits()
    >>> images, target = (digits.images * 15).astype("uint8"), digits.target
    >>> classifier = FastCNNClassifier(width=16, flip=False, crop=1, epochs=6, random_state=0)
    >>> classifier.fit(images[:1000], target[:1000]).score(images[1000:], target[1000:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: constraints
            for name, constraints in BaseImageClassifier._parameter_constraints.items()
            if name not in {"optimizer", "optimizer_params"}
        },
        "width": [Interval(Integral, 1, None, closed="left")],
        "expansion": [Interval(Integral, 1, None, closed="left")],
        "activation": [str],
        "flip": ["boolean"],
        "crop": [Interval(Integral, 0, None, closed="left")],
        "tta": [StrOptions(set(_VIEWS))],
        "precision": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "bias_rate": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "lookahead": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    }

    optimizer = BiasedSGD  # fixed, so no parameter

    def __init__(
        self,
        *,
        width: int = 64,
        expansion: int = 4,
        activation: str = "swish",
        flip: bool = True,
        crop: int = 2,
        tta: str = "flip_shift",
        precision: str = "auto",
        image_shape: Sequence[int] | None = None,
        learning_rate: float = 0.75,
        schedule: str = "triangular",
        momentum: float = 0.85,
        bias_rate: float = 64.0,
        weight_decay: float = 8.9e-3,
        lookahead: bool = True,
        epochs: int = 12,
        batch_size: int | str = "auto",
        label_smoothing: float = 0.2,
        early_stopping: bool = False,
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
        return {}

    def _build_network(self, input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        network = fast(
            input_shape,
            n_classes,
            width=self.width,
            expansion=self.expansion,
            activation=self.activation,
            precision=self.precision,
        )
        if self.crop >= min(input_shape[:2]):
            raise InputError(
                f"crop={self.crop} must be smaller than the images, which have "
                f"{input_shape[0]}×{input_shape[1]} pixels."
            )
        return network

    def _batch_size(self, n_samples: int) -> int:
        if not isinstance(self.batch_size, str):
            return min(self.batch_size, n_samples)
        return min(512, max(32, 2 ** int(np.log2(max(1, n_samples / 64)))))

    def _batch_options(self, incremental: bool) -> dict[str, Any]:
        return {"drop_last": not incremental, "mirrors": self.flip}

    def _own_operations(self) -> tuple[Any, ...]:
        return (RandomCrop(self.crop),) if self.crop else ()

    def _own_callbacks(self, n_steps: int, batch_size: int) -> list[Any]:
        every = max(1, min(round(_SAMPLES_PER_PULL / batch_size), n_steps // 15))
        return [Lookahead(n_steps, every)] if self.lookahead else []

    def _make_optimizer(self, *, schedule: str, n_steps: int, batch_size: int) -> Any:
        rate = self.learning_rate * (batch_size / _RATE_BATCH) ** 0.5
        return BiasedSGD(
            learning_rate_schedule(schedule, rate, n_steps),
            bias_rate=self.bias_rate,
            momentum=float(self.momentum),
            nesterov=True,
            weight_decay=float(self.weight_decay),
            # As large as if losses were added up, or small gradients would vanish in float16.
            loss_scale_factor=float(batch_size) if self.precision == "float16" else None,
        )

    def _prediction_views(self) -> list[tuple[float, Callable[[np.ndarray], np.ndarray] | None]]:
        return _views(self.tta, mirrors=self.flip)

    def predict_proba(self, X: Any, *, tta: str | None = None) -> np.ndarray:
        """Estimate class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features)
            Pixels of the kind that the classifier was fitted on.
        tta : {"flip_shift", "flip", "none"} or None, default=None
            Test-time augmentation; None for the classifier's own.

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        tta = self.tta if tta is None else tta
        if tta not in _VIEWS:
            raise InputError(f"tta must be one of {', '.join(_VIEWS)}; got {tta!r}.")
        logits = np.zeros(1)
        for share, view in _views(tta, mirrors=self.flip):
            proba = self._predict_raw(X, view=view).astype(np.float64)
            # The logits but for a constant per image, which the softmax takes out again.
            logits = logits + share * np.log(np.maximum(proba, 1e-38))
        proba = np.exp(logits - np.max(logits, axis=1, keepdims=True))
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: Any, *, tta: str | None = None) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X, tta
            As for ``predict_proba``.

        Returns
        -------
        ndarray of shape (n,)
            The most probable of ``classes_``.
        """
        proba = self.predict_proba(X, tta=tta)
        return self.classes_[np.argmax(proba, axis=1)]


def _views(
    tta: str, *, mirrors: bool
) -> list[tuple[float, Callable[[np.ndarray], np.ndarray] | None]]:
    """List the views of a kind of test-time augmentation, with their shares."""
    used = [view for view in _VIEWS[tta] if mirrors or not view[1]]
    total = sum(share for share, _, _ in used)
    return [
        (
            share / total,
            functools.partial(_view, mirrored=mirrored, shift=shift)
            if mirrored or shift
            else None,
        )
        for share, mirrored, shift in used
    ]


def _view(images: np.ndarray, *, mirrored: bool, shift: int) -> np.ndarray:
    """Mirror images, and shift them down and right, the edges reflected."""
    if mirrored:
        images = mirror(images)
    if shift:
        height, width = images.shape[1:3]
        rows, columns = np.abs(np.arange(height) - shift), np.abs(np.arange(width) - shift)
        rows = np.minimum(rows, 2 * (height - 1) - rows)
        columns = np.minimum(columns, 2 * (width - 1) - columns)
        images = images[:, rows[:, None], columns]
    return np.ascontiguousarray(images)
