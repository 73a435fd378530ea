"""Optimisers by name, and the learning rate over the steps of a fit."""

from __future__ import annotations

import inspect
from typing import Any

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

from cifar_sk.errors import InputError, did_you_mean

__all__ = [
    "SCHEDULES",
    "follows_schedule",
    "learning_rate_schedule",
    "make_optimizer",
    "optimizer_defaults",
]

SCHEDULES = ("constant", "exponential", "cosine", "one_cycle", "reduce_on_plateau")


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


def follows_schedule(optimizer: keras.optimizers.Optimizer) -> bool:
    """Tell whether an optimiser's rate is bound to the steps of the fit it was made for.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Whose rate is a number or a schedule.

    Returns
    -------
    bool
    """
    return isinstance(optimizer.get_config()["learning_rate"], dict)
