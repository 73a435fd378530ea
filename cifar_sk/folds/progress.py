"""The end of an epoch, told by a fit to whoever listens.

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
    """An epoch that ended, with its entry of ``history_``."""

    epoch: int  # of this fit, from 1
    n_epochs: int  # at most
    logs: dict[str, float]
    unit: str = "epoch"  # a search tells the trials that ended


_listener: ContextVar[Callable[[EpochEnd], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[EpochEnd], None] | None) -> Iterator[None]:
    """Call `listener` after every epoch that is trained inside the ``with`` block.

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
    """Tell the listener, where there is one."""
    listener = current_listener()
    if listener is not None:
        listener(end)


def current_listener() -> Callable[[EpochEnd], None] | None:
    """Return who listens here, or None."""
    return _listener.get()
