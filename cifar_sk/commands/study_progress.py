"""Shows a study's trials as they end, with the time remaining."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cifar_sk.commands.progress import duration

if TYPE_CHECKING:
    import optuna
    from rich.console import Console

__all__ = ["StudyProgress"]

_REDRAW_SECONDS = 0.3


class StudyProgress:
    """Shows what a study holds whenever it is called with it.

    A line for every trial that ended; on a terminal another one below, redrawn, for those that
    are running. It reads the study alone, so it serves one process and many alike.

    Parameters
    ----------
    n_trials : int
        Trials that the study shall have.
    n_workers : int
        How many run at a time.
    console : rich.console.Console
        Where to write.
    """

    def __init__(self, n_trials: int, n_workers: int, console: Console) -> None:
        from rich.live import Live
        from rich.text import Text

        self._n_trials = n_trials
        self._n_workers = n_workers
        self._console = console
        self._text = Text
        self._start = time.monotonic()
        self._n_before: int | None = None
        self._shown: set[int] = set()
        self._drawn = 0.0
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> StudyProgress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def __call__(self, study: optuna.Study) -> None:
        """Show what is new, at most a few times a second."""
        if time.monotonic() - self._drawn < _REDRAW_SECONDS:
            return
        self.draw(study)

    def draw(self, study: optuna.Study) -> None:
        """Show what is new.

        Parameters
        ----------
        study : optuna.Study
            The study.
        """
        from cifar_sk.tuning.objective import counted_trials

        trials = counted_trials(study)
        ended = [trial for trial in trials if trial.state.is_finished()]
        if self._n_before is None:
            self._n_before = len(ended)
            self._shown = {trial.number for trial in ended}
        for trial in ended:
            if trial.number not in self._shown:
                self._shown.add(trial.number)
                self._print(f"{describe(study, trial)} ({self._times(len(ended))})")
        if self._live.is_started:
            running = [describe(study, trial) for trial in trials if trial not in ended]
            text = "\n".join([*running, f"{len(ended)} of {self._n_trials} trials"])
            self._live.update(self._text(text), refresh=True)
        self._drawn = time.monotonic()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _times(self, n_ended: int) -> str:
        elapsed = time.monotonic() - self._start
        n_new = n_ended - (self._n_before or 0)
        n_left = max(0, self._n_trials - n_ended)
        if not n_new or not n_left:
            return duration(elapsed)
        return f"{duration(elapsed)}, about {duration(elapsed * n_left / n_new)} left"


def describe(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> str:
    """Say in a line how a trial stands."""
    start = f"trial {trial.number}"
    if trial.state.name == "COMPLETE":
        names = study.user_attrs["objectives"]
        values = zip(names, trial.values, strict=True)
        return f"{start} " + " ".join(f"{name} {value:.6g}" for name, value in values)
    if "error" in trial.user_attrs:
        return f"{start} failed: {trial.user_attrs['error']}"
    where = _where(trial, study.user_attrs["epochs_per_fold"])
    return f"{start} pruned{where}" if trial.state.name == "PRUNED" else f"{start} running{where}"


def _where(trial: Any, epochs_per_fold: int) -> str:
    if not trial.intermediate_values:
        return ""
    step = max(trial.intermediate_values)
    fold, epoch = divmod(step - 1, epochs_per_fold + 1)
    at = f"epoch {epoch + 1} of" if epoch < epochs_per_fold else "the end of"
    return f" at {at} fold {fold + 1}, {trial.intermediate_values[step]:.4f}"
