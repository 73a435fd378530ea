"""How a fit tells whoever listens that an epoch ended.

A listener is neither a parameter nor a callback object, because those are cloned, pickled and
shared over folds. It is set around a ``fit`` and seen by every estimator of ours inside it,
however deep in pipelines and searches. It may raise, which ends the fit: this is how tuning
prunes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["EpochEnd", "current_listener", "listening", "report_epoch"]


@dataclass(frozen=True)
class EpochEnd:
    """An epoch that ended.

    Attributes
    ----------
    epoch : int
        Epochs trained so far in this fit, from 1.
    n_epochs : int
        Epochs that this fit trains at most.
    logs : dict of str to float
        The epoch's entry of ``history_``.
    unit : str
        What ended, where it is no epoch: a search counts its trials.
    """

    epoch: int
    n_epochs: int
    logs: dict[str, float]
    unit: str = "epoch"


_listener: ContextVar[Callable[[EpochEnd], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[EpochEnd], None] | None) -> Iterator[None]:
    """Call `listener` after every epoch that is trained inside the ``with`` block.

    Parameters
    ----------
    listener : callable or None
        Called with an `EpochEnd`; None listens to nothing.

    Examples
    --------
    >>> with listening(lambda end: print(end.epoch, end.logs)):
    ...     report_epoch(EpochEnd(1, 10, {"loss": 2.3}))
    1 {'loss': 2.3}
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_epoch(end: EpochEnd) -> None:
    """Tell the listener, where there is one.

    Parameters
    ----------
    end : EpochEnd
        What ended.
    """
    listener = current_listener()
    if listener is not None:
        listener(end)


def current_listener() -> Callable[[EpochEnd], None] | None:
    """Return who listens here, or None."""
    return _listener.get()
