"""The registered networks: a name, a builder and the training recipe of its source."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cifar_sk.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import keras

__all__ = ["NETWORKS", "Network", "get_network", "pack_networks", "register", "unpack_networks"]


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


NETWORKS: dict[str, Network] = {}


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
        NETWORKS[name] = Network(name, build, recipe)
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
    if name not in NETWORKS:
        raise InputError(f"There is no network {name!r}{did_you_mean(name, NETWORKS)}.")
    return NETWORKS[name]


def pack_networks() -> bytes | None:
    """Pack the networks that were registered outside of this package, for another process.

    Returns
    -------
    bytes or None
        For `unpack_networks`. A builder of a module is packed as its name, one of a script or a
        notebook as its code. None where there is none.
    """
    foreign = [
        network
        for network in NETWORKS.values()
        if network.build.__module__.partition(".")[0] != __name__.partition(".")[0]
    ]
    if not foreign:
        return None
    import cloudpickle

    return cloudpickle.dumps(foreign)


def unpack_networks(packed: bytes | None) -> None:
    """Register the networks that another process has packed, but for names that are taken.

    Parameters
    ----------
    packed : bytes or None
        As `pack_networks` returns it. Part of a pickle, so no less trusted than that is.
    """
    # A fitted classifier predicts without its builder, which may be of a module that is not here.
    with suppress(ImportError, AttributeError):
        for network in pickle.loads(packed) if packed else ():  # noqa: S301  (see above)
            NETWORKS.setdefault(network.name, network)
