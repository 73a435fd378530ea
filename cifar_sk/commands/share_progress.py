"""How far a search is, on the terminal, with the time remaining."""

from __future__ import annotations

import time

from cifar_sk.backend import interrupts
from cifar_sk.commands.progress import duration

__all__ = ["ShareProgress"]

_STEP = 0.25  # of the work, after which a line is printed where there is no terminal


class ShareProgress:
    """Shows which share of one piece of work is done; called with it, from 0 to 1."""

    def __init__(self, name: str, *, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._name = name
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            BarColumn(16), TextColumn("{task.description}"), console=self._console, transient=True
        )
        self._task = self._bar.add_task(name, total=1.0)
        self._start = time.monotonic()
        self._next = _STEP

    def __enter__(self) -> ShareProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, share: float) -> None:
        """Show a share, or end the work if the user has asked for it."""
        interrupts.check()
        elapsed = time.monotonic() - self._start
        left = f", about {duration(elapsed * (1 - share) / share)} left" if 0 < share < 1 else ""
        text = f"{self._name}: {share:.0%} ({duration(elapsed)}{left})"
        self._bar.update(self._task, completed=share, description=text)
        if not self._console.is_terminal and share >= self._next:
            self._next = share + _STEP
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
