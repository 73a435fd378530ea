"""Shows a study's trials as they end, with the time remaining."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cifar_sk.commands.progress import duration
from cifar_sk.tuning.study_view import StudyView, TrialView

if TYPE_CHECKING:
    import optuna
    from rich.console import Console

__all__ = ["StudyProgress"]

_REDRAW_SECONDS = 0.3


class StudyProgress:
    """Shows what is new in a study whenever it is called with it."""

    # It reads the study alone, so it serves one process and many alike.
    def __init__(self, n_trials: int, console: Console) -> None:
        from rich.live import Live

        self._n_trials = n_trials
        self._console = console
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
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            self.draw(study)

    def draw(self, study: optuna.Study) -> None:
        """Show what is new."""
        from rich.text import Text

        view = StudyView(study)
        ended = view.ended
        if self._n_before is None:
            self._n_before = len(ended)
            self._shown = {trial.number for trial in ended}
        for trial in ended:
            if trial.number not in self._shown:
                self._shown.add(trial.number)
                text = f"{_describe(view, trial)} ({self._times(len(ended))})"
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        if self._live.is_started:
            running = [_describe(view, trial) for trial in view.in_state("running")]
            text = "\n".join([*running, f"{len(ended)} of {self._n_trials} trials"])
            self._live.update(Text(text), refresh=True)
        self._drawn = time.monotonic()

    def _times(self, n_ended: int) -> str:
        elapsed = time.monotonic() - self._start
        n_new = n_ended - (self._n_before or 0)
        n_left = max(0, self._n_trials - n_ended)
        if not n_new or not n_left:
            return duration(elapsed)
        return f"{duration(elapsed)}, about {duration(elapsed * n_left / n_new)} left"


def _describe(view: StudyView, trial: TrialView) -> str:
    """Say in a line how a trial stands."""
    start = f"trial {trial.number}"
    if trial.state == "complete":
        values = zip(view.objectives, trial.values, strict=True)
        return f"{start} " + " ".join(f"{name} {value:.6g}" for name, value in values)
    if trial.error:
        return f"{start} failed: {trial.error}"
    return f"{start} {trial.state}{_where(trial, view.epochs_per_fold)}"


def _where(trial: TrialView, epochs_per_fold: int) -> str:
    if not trial.reports:
        return ""
    step = max(trial.reports)
    fold, epoch = divmod(step - 1, epochs_per_fold + 1)
    at = f"epoch {epoch + 1} of" if epoch < epochs_per_fold else "the end of"
    return f" at {at} fold {fold + 1}, {trial.reports[step]:.4f}"
