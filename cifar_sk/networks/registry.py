"""The registered networks: a name, a builder and the training recipe of its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cifar_sk.registry import Registry

if TYPE_CHECKING:
    import keras

__all__ = ["NETWORKS", "Network", "get_network", "register"]


@dataclass(frozen=True)
class Network:
    """A registered builder and how its source trained it.

    Attributes
    ----------
    name : str
        What ``--model`` and ``KerasImageClassifier(network=...)`` call it.
    build : callable
        ``build(input_shape, n_classes, **hyperparameters)``, returning a ``keras.Model``.
    recipe : dict
        Classifier parameters (epochs, batch size, optimiser, …) of the source's training.
    """

    name: str
    build: Callable[..., keras.Model]
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        first_line, *_ = (self.build.__doc__ or self.name).strip().splitlines()
        return first_line.rstrip(".")


NETWORKS: Registry[Network] = Registry("network", Network)


def register(name: str, **recipe: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a builder under a name.

    Parameters
    ----------
    name : str
        What ``--model`` and ``KerasImageClassifier(network=...)`` call it.
    **recipe
        Classifier parameters that differ from the classifiers' defaults.

    Returns
    -------
    callable
        A decorator that returns the builder unchanged.
    """

    def add(build: Callable[..., Any]) -> Callable[..., Any]:
        NETWORKS.register(name)(Network(name, build, recipe))
        return build

    return add


def get_network(name: str) -> Network:
    """Look up a registered network.

    Parameters
    ----------
    name : str
        A key of ``NETWORKS``.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there is no network of that name.
    """
    return NETWORKS[name]
