"""Optimisers by name, and the learning rate over the steps of a fit."""

from __future__ import annotations

import inspect
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
from keras import ops

from cifar_sk.errors import InputError, did_you_mean

__all__ = [
    "SCHEDULES",
    "BiasedSGD",
    "Triangular",
    "follows_schedule",
    "learning_rate_schedule",
    "make_optimizer",
    "optimizer_defaults",
]

SCHEDULES = (
    "constant",
    "exponential",
    "cosine",
    "one_cycle",
    "triangular",
    "reduce_on_plateau",
)


def learning_rate_schedule(name: str, learning_rate: float, n_steps: int) -> Any:
    """Return the learning rate, or where it changes with the step, a schedule of Keras.

    "constant" and "reduce_on_plateau" stay at `learning_rate` (a callback reduces the latter);
    "exponential" falls to 1 % of it over `n_steps`; "cosine" to 0 [1]_; "one_cycle" rises linearly
    from 4 % over the first 30 % of the steps and then falls as a cosine to 0 [2]_; "triangular"
    rises linearly from 20 % over the first 23 % and then falls linearly to 7 % [3]_.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       ICLR 2017. :doi:`10.48550/arXiv.1608.03983`
    .. [2] L. N. Smith and N. Topin, "Super-convergence", 2019. :doi:`10.1117/12.2520589`
    .. [3] K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
       :doi:`10.48550/arXiv.2404.00498`
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
    if name == "triangular":
        return Triangular(learning_rate, n_steps)
    return learning_rate


@keras.saving.register_keras_serializable("cifar_sk")
class Triangular(keras.optimizers.schedules.LearningRateSchedule):
    """Up linearly from 20 % of the rate over 23 % of the steps, then down linearly to 7 %."""

    def __init__(self, learning_rate: float, n_steps: int) -> None:
        self.learning_rate = learning_rate
        self.n_steps = n_steps

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step, counted from 0."""
        done = ops.cast(step, "float32") / self.n_steps
        rising = 0.2 + 0.8 * done / 0.23
        falling = 0.07 + 0.93 * (1 - done) / 0.77
        return self.learning_rate * ops.maximum(ops.minimum(rising, falling), 0.07)

    def get_config(self) -> dict[str, Any]:
        """Return the parameters."""
        return {"learning_rate": self.learning_rate, "n_steps": self.n_steps}


@keras.saving.register_keras_serializable("cifar_sk")
class BiasedSGD(keras.optimizers.SGD):
    """Stochastic gradient descent that moves the biases of batch normalisations (beta) faster."""

    def __init__(self, learning_rate: Any = 0.01, bias_rate: float = 64.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.bias_rate = bias_rate

    def apply(self, grads: list[Any], trainable_variables: Any = None) -> None:
        """Update the variables; a gradient's factor is a rate's, for the update is linear."""
        variables = trainable_variables or self._trainable_variables
        grads = [
            grad * self.bias_rate if grad is not None and variable.name == "beta" else grad
            for grad, variable in zip(grads, variables, strict=True)
        ]
        super().apply(grads, trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Return the parameters."""
        return {**super().get_config(), "bias_rate": self.bias_rate}


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
    """List an optimiser's keywords with their defaults, but for the learning rate."""
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
    """Make an optimiser from its name or class, its keywords and its schedule."""
    rate = learning_rate_schedule(schedule, learning_rate, n_steps)
    return _optimizer_class(optimizer)(learning_rate=rate, **(params or {}))


def follows_schedule(optimizer: keras.optimizers.Optimizer) -> bool:
    """Tell whether an optimiser's rate is bound to the steps of the fit it was made for."""
    return isinstance(optimizer.get_config()["learning_rate"], dict)
