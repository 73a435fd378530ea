"""What the options of ``python -m cifar_sk.tune`` amount to: task, budget, storage, folder."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import typer
from rich.console import Console
from rich.table import Table
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from cifar_sk.commands.progress import duration
from cifar_sk.commands.running import keyboard_interrupts
from cifar_sk.commands.study_progress import StudyProgress
from cifar_sk.commands.study_setup import Setup
from cifar_sk.datasets import data_fingerprint
from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits
from cifar_sk.pipelines.models import set_params
from cifar_sk.reports.study.files import parameter_rows, summary_rows, write_study_report
from cifar_sk.runs.files import Additions, csv_bytes, write_atomically
from cifar_sk.tuning.engine import (
    Budget,
    best_trial,
    check_study,
    finished_trials,
    open_study,
    quiet_optuna,
    run_trials,
)
from cifar_sk.tuning.holdout import compare_on_holdout, holdout_rows, holdout_table
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.search import study_identity
from cifar_sk.tuning.storage import StorageSpec, choose_storage, close_storage, reclaim
from cifar_sk.tuning.workers import process_name, run_workers

__all__ = ["TuneJob"]

_SELECTED = (
    "the best of {n} trials on the study's own folds, hence optimistic: judge it with --nested, "
    "or on images that the study never saw (--holdout)"
)


def _split_off(bunch: Bunch, share: float, seed: int) -> tuple[Bunch, Bunch | None]:
    """Keep a stratified part of a data set away from the study."""
    if not share:
        return bunch, None
    try:
        parts = train_test_split(
            np.arange(len(bunch.target)), test_size=share, random_state=seed, stratify=bunch.target
        )
    except ValueError as error:
        raise InputError(f"--holdout {share} cannot be kept: {error}") from error
    kept, held = (
        Bunch(**{**bunch, "images": bunch.images[part], "target": bunch.target[part]})
        for part in map(np.sort, parts)
    )
    return kept, held


def _describe(bunch: Bunch) -> dict[str, Any]:
    fingerprint = data_fingerprint(bunch.images, bunch.target, bunch.target_names)
    return {"n_samples": len(bunch.target), "fingerprint": fingerprint}


@dataclass(frozen=True)
class TuneJob:
    """A study as the command line runs it.

    Attributes
    ----------
    setup : Setup
        What is tuned.
    task : TuningTask
        On what data.
    held : Bunch or None
        Images that the study does not see.
    identity : dict
        What must be equal for the study to be continued.
    budget : Budget
        When it ends.
    folder : Path
        Where its files go; its name is the study's.
    spec : StorageSpec
        Where the trials are kept.
    n_workers, n_threads : int
        Processes, and threads of each.
    """

    setup: Setup
    task: TuningTask
    held: Bunch | None
    identity: dict[str, Any]
    budget: Budget
    folder: Path
    spec: StorageSpec
    n_workers: int
    n_threads: int

    @classmethod
    def make(
        cls,
        setup: Setup,
        bunch: Bunch,
        holdout: float,
        folds: int,
        objectives: tuple[str, ...],
        seed: int,
        budget: Budget,
        folder: Path,
        storage: str | None,
        n_workers: int,
        n_threads: int,
    ) -> TuneJob:
        """Put a job together."""
        kept, held = _split_off(bunch, holdout, seed)
        splits = make_splits(kept.target, n_folds=folds, random_state=seed)
        task = TuningTask(
            setup.pipeline, setup.space, kept.images, kept.target, splits, objectives, seed
        )
        data = {"name": bunch.name, **_describe(kept)}
        data["holdout"] = None if held is None else _describe(held)
        identity = study_identity(task, data)
        spec = choose_storage(storage, folder, n_workers=n_workers)
        return cls(setup, task, held, identity, budget, folder, spec, n_workers, n_threads)

    def execute(
        self, info: dict[str, Any], n_seeds: int, start: float, overwrite: bool, quiet: bool
    ) -> int:
        """Run what is left of the study, and write what there is, also on Ctrl-C.

        Returns
        -------
        int
            Exit code.
        """
        with self._open(overwrite) as study:
            try:
                self._run(study, quiet)
                if self.held is not None:
                    self._compare(study, self.held, n_seeds, quiet)
            except KeyboardInterrupt:
                self._export(study, info, n_seeds)
                raise
            best_trial(study)  # refuses a study without one
            self._export(study, info, n_seeds)
            self._print_end(study, n_seeds, start)
        return 0

    @contextmanager
    def _open(self, overwrite: bool) -> Iterator[optuna.Study]:
        check_study(self.task, self.budget)  # before anything is made or replaced
        additions = Additions()
        with ExitStack() as stack:
            try:
                additions.make_folder(self.folder)
                if self.spec.path is not None:  # a server is for several commands at once
                    for file, subject in self.spec.locks(self.folder):
                        stack.enter_context(additions.lock(file, subject))
                    additions.expect(*self.spec.files)
                study = self._open_study(stack, overwrite)
            except InputError:
                additions.take_back()
                raise
            yield study

    def _open_study(self, stack: ExitStack, overwrite: bool) -> optuna.Study:
        storage = self.spec.open()
        stack.callback(close_storage, storage)
        name = self.folder.name
        if overwrite:
            _delete(storage, name)
        study = open_study(self.task, self.budget, storage, name, self.identity)
        if self.spec.path is not None:  # then what runs is of processes that died
            reclaim(study, is_stale=lambda _: True)
        return study

    def _run(self, study: optuna.Study, quiet: bool) -> None:
        n_done = len(finished_trials(study))
        if n_done and not quiet:
            typer.echo(f"{n_done} of {self.budget.n_trials} trials were finished before")
        progress = StudyProgress(self.budget.n_trials, self.n_workers, Console(quiet=quiet))
        with progress, keyboard_interrupts() as check:

            def watch(study: optuna.Study) -> None:
                check()
                progress(study)

            progress.draw(study)
            if self.n_workers == 1:
                name = process_name()
                run_trials(study, self.task, self.budget, worker_name=name, watch=watch)
            else:
                run_workers(
                    study,
                    self.task,
                    self.budget,
                    self.spec,
                    n_workers=self.n_workers,
                    n_threads=self.n_threads,
                    watch=watch,
                )
            progress.draw(study)

    def _compare(self, study: optuna.Study, held: Bunch, n_seeds: int, quiet: bool) -> None:
        """Score the winner and the defaults on images that the study never saw."""
        pipeline, winner = self.setup.pipeline, best_trial(study)  # others may go on with it
        tuned = set_params(clone(pipeline), self.task.space.decode(winner.params))

        def tell(name: str, seed: int) -> None:
            if not quiet:
                typer.echo(f"held-out images: fitting {name}, seed {seed + 1} of {n_seeds}")

        compare_on_holdout(
            study,
            {"tuned": tuned, "default": pipeline},
            (self.task.X, self.task.y),
            (held.images, held.target),
            winner=winner.number,
            n_seeds=n_seeds,
            random_state=self.task.random_state,
            watch=tell,
        )

    def _export(self, study: optuna.Study, info: dict[str, Any], n_seeds: int) -> None:
        """Write tables, figures and the page; all are made of the study alone."""
        ended = finished_trials(study)
        if not any(trial.state.name == "COMPLETE" for trial in ended):
            return
        best = best_trial(study)
        contents = {
            "best.json": {
                "study": self.folder.name,
                "data": study.user_attrs["identity"]["data"],
                "model": self.setup.model,
                "augment": self.setup.augment,
                "params": {**self.setup.fixed, **self.task.space.decode(best.params)},
                "trial": best.number,
                "values": dict(zip(self.task.objectives, best.values, strict=True)),
                "note": f"The values are those of {_SELECTED.format(n=len(ended))}.",
            },
            "study.json": {
                **info,
                # Of a file its name, for the folder may move.
                "storage": self.spec.path.name if self.spec.path else self.spec.shown,
                "identity": study.user_attrs["identity"],
                "n_trials": len(ended),
                "sampler": self.budget.sampler,
                "pruner": self.budget.pruner,
                "workers": self.n_workers,
                "threads_per_worker": self.n_threads,
            },
        }
        for name, content in contents.items():
            write_atomically(self.folder / name, (json.dumps(content, indent=1) + "\n").encode())
        rows = holdout_rows(study, n_seeds)
        if rows:
            write_atomically(self.folder / "holdout.csv", csv_bytes(holdout_table(study, n_seeds)))
        else:  # what is there is of another winner
            (self.folder / "holdout.csv").unlink(missing_ok=True)
        write_study_report(study, self.folder, info={**info, "holdout": rows} if rows else info)

    def _print_end(self, study: optuna.Study, n_seeds: int, start: float) -> None:
        console = Console(width=None if Console().is_terminal else 110, highlight=False)
        tables = (summary_rows(study), parameter_rows(study), holdout_rows(study, n_seeds))
        for rows in tables:
            if not rows:
                continue
            table = Table(*rows[0])
            for row in rows[1:]:
                table.add_row(*row)
            console.print(table)
        selected = _SELECTED.format(n=len(finished_trials(study)))
        console.print(
            f"trial {best_trial(study).number} is {selected}\n"
            f"tables, figures, best.json and report.html are in {self.folder} "
            f"({duration(time.monotonic() - start)})\n"
            f"evaluate it: python -m cifar_sk.cv --params {self.folder / 'best.json'}\n"
            f"browse it: optuna-dashboard {self.spec.for_dashboard}",
            markup=False,
            soft_wrap=True,
        )


def _delete(storage: Any, name: str) -> None:
    with quiet_optuna():
        if name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=name, storage=storage)
