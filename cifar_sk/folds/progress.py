"""What surrounds a fit: which fold it is of, and who is told of the end of each epoch.

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

__all__ = ["EpochEnd", "current_fold", "current_listener", "listening", "report_epoch"]


@dataclass(frozen=True)
class EpochEnd:
    """An epoch that ended, with its entry of ``history_``."""

    epoch: int  # of this fit, from 1
    n_epochs: int  # at most
    logs: dict[str, float]
    unit: str = "epoch"  # a search tells the trials that ended


_listener: ContextVar[Callable[[EpochEnd], None] | None] = ContextVar("listener", default=None)
_fold: ContextVar[int | None] = ContextVar("fold", default=None)


@contextmanager
def listening(
    listener: Callable[[EpochEnd], None] | None, *, fold: int | None = None
) -> Iterator[None]:
    """Call `listener` after every epoch that is trained inside the ``with`` block.

    `fold` is the index of the fold that is fitted there; None leaves it as it is outside.

    Examples
    --------
    >>> with listening(lambda end: print(end.epoch, end.logs)):
    ...     report_epoch(EpochEnd(1, 10, {"loss": 2.3}))
    1 {'loss': 2.3}
    """
    told, folded = _listener.set(listener), _fold.set(current_fold() if fold is None else fold)
    try:
        yield
    finally:
        _listener.reset(told)
        _fold.reset(folded)


def report_epoch(end: EpochEnd) -> None:
    """Tell the listener, where there is one."""
    listener = current_listener()
    if listener is not None:
        listener(end)


def current_listener() -> Callable[[EpochEnd], None] | None:
    """Return who listens here, or None."""
    return _listener.get()


def current_fold() -> int | None:
    """Return the index of the fold that is fitted here, or None outside of a fold loop."""
    return _fold.get()
