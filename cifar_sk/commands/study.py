"""A study as ``python -m cifar_sk.tune`` runs it: task, budget, storage, folder."""

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
from sklearn.utils import Bunch

from cifar_sk.backend import interrupts
from cifar_sk.backend.temporary import sweep
from cifar_sk.commands.printing import print_table, wide_console
from cifar_sk.commands.progress import duration
from cifar_sk.commands.study_progress import StudyProgress
from cifar_sk.commands.study_setup import Setup
from cifar_sk.datasets import data_fingerprint
from cifar_sk.errors import InputError
from cifar_sk.folds.inner_split import inner_split
from cifar_sk.reports.study.files import parameter_rows, summary_rows, write_study_report
from cifar_sk.runs.files import Additions, csv_bytes, write_atomically
from cifar_sk.runs.image_sketch import ImageSketch
from cifar_sk.tuning.engine import Budget, check_study, open_study, run_trials
from cifar_sk.tuning.held_out import compare_on_held_out, held_out_rows, held_out_table
from cifar_sk.tuning.lost_trials import reclaim
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.search import study_identity
from cifar_sk.tuning.storage import StorageSpec, close_storage
from cifar_sk.tuning.study_view import StudyView, quiet_optuna
from cifar_sk.tuning.tables import StudyTables
from cifar_sk.tuning.workers import process_name, run_workers

__all__ = ["TuneJob", "split_off"]

_SELECTED = (
    "the best of {n} trials on the study's own folds, hence optimistic: judge it with --nested, "
    "or on images that the study never saw (--holdout)"
)


def split_off(
    bunch: Bunch, share: float, seed: int, groups: np.ndarray | None = None
) -> tuple[Bunch, Bunch | None, np.ndarray | None]:
    """Keep a stratified part away from the study, and return what is kept with its groups."""
    if not share:
        return bunch, None, groups
    try:
        parts = inner_split(bunch.target, share, groups=groups, random_state=seed)
    except InputError as error:
        raise InputError(f"--holdout {share} cannot be kept: {error}") from error
    kept, held_out = (
        Bunch(**{**bunch, "images": bunch.images[part], "target": bunch.target[part]})
        for part in parts
    )
    return kept, held_out, None if groups is None else groups[parts[0]]


def _describe(bunch: Bunch) -> dict[str, Any]:
    fingerprint = data_fingerprint(bunch.images, bunch.target, bunch.target_names)
    return {"n_samples": len(bunch.target), "fingerprint": fingerprint}


@dataclass(frozen=True)
class TuneJob:
    """A study as the command line runs it."""

    setup: Setup
    task: TuningTask
    bunch: Bunch  # what the task is of
    held_out: Bunch | None  # images that the study does not see, by the option --holdout
    budget: Budget
    folder: Path  # its name is the study's
    spec: StorageSpec
    n_workers: int
    n_threads: int  # of each worker
    n_seeds: int  # of the fits on the held-out images
    quiet: bool

    def execute(self, info: dict[str, Any], start: float, *, overwrite: bool) -> int:
        """Run what is left of the study, write what there is, and return the exit code."""
        sweep()
        with self._open(overwrite) as study:
            try:
                self._run(study)
                if self.held_out is not None:
                    self._compare(study, self.held_out)
            except KeyboardInterrupt:
                if StudyView(study).complete:
                    self._export(study, info)
                raise
            self._print_end(*self._export(study, info), start)
        return 0

    def _identity(self) -> dict[str, Any]:
        held_out = None if self.held_out is None else _describe(self.held_out)
        data = {"name": self.bunch.name, **_describe(self.bunch), "holdout": held_out}
        return study_identity(self.task, data)

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
        with quiet_optuna():
            if overwrite and name in optuna.get_all_study_names(storage):
                optuna.delete_study(study_name=name, storage=storage)
        study = open_study(self.task, self.budget, storage, name, self._identity())
        if self.spec.path is not None:  # then what runs is of processes that died
            reclaim(study, is_stale=lambda _: True)
        return study

    def _run(self, study: optuna.Study) -> None:
        n_done = len(StudyView(study).ended)
        if n_done and not self.quiet:
            typer.echo(f"{n_done} of {self.budget.n_trials} trials were finished before")
        progress = StudyProgress(self.budget.n_trials, Console(quiet=self.quiet))
        with progress:

            def watch(study: optuna.Study) -> None:
                interrupts.check()
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

    def _compare(self, study: optuna.Study, held_out: Bunch) -> None:
        def tell(name: str, seed: int) -> None:
            if not self.quiet:
                typer.echo(f"held-out images: fitting {name}, seed {seed + 1} of {self.n_seeds}")

        images = held_out.images, held_out.target
        compare_on_held_out(study, self.task, images, self.n_seeds, tell)

    def _export(
        self, study: optuna.Study, info: dict[str, Any]
    ) -> tuple[StudyTables, list[list[str]]]:
        """Write tables, figures and the page, and return the tables and the held-out rows."""
        view = StudyView(study)
        winner = self._winner(view)  # an InputError if there is none
        tables, rows = StudyTables.of(view), held_out_rows(view, self.n_seeds)
        for name, content in (("best.json", winner), ("study.json", self._manifest(view, info))):
            write_atomically(self.folder / name, (json.dumps(content, indent=1) + "\n").encode())
        file = self.folder / "holdout.csv"
        if rows:
            write_atomically(file, csv_bytes(held_out_table(view, self.n_seeds)))
        else:  # what is there is of another winner
            file.unlink(missing_ok=True)
        write_study_report(tables, self.folder, info=info, held_out=rows)
        return tables, rows

    def _winner(self, view: StudyView) -> dict[str, Any]:
        """Say in JSON values which parameters are the best, for ``cifar_sk.cv --params``."""
        best = view.best
        return {
            "study": self.folder.name,
            "data": view.identity["data"],
            "images": ImageSketch.of(self.bunch.images).to_json(),
            "model": self.setup.model,
            "augment": self.setup.augment,
            "params": {**self.setup.fixed, **self.task.space.decode(best.params)},
            "trial": best.number,
            "values": dict(zip(self.task.objectives, best.values, strict=True)),
            "note": f"The values are those of {_SELECTED.format(n=len(view.ended))}.",
        }

    def _manifest(self, view: StudyView, info: dict[str, Any]) -> dict[str, Any]:
        """Say in JSON values what was run."""
        return {
            **info,
            # Of a file its name, for the folder may move.
            "storage": self.spec.path.name if self.spec.path else self.spec.shown,
            "identity": view.identity,
            "n_trials": len(view.ended),
            "sampler": self.budget.sampler,
            "pruner": self.budget.pruner,
            "workers": self.n_workers,
            "threads_per_worker": self.n_threads,
        }

    def _print_end(self, tables: StudyTables, held_out: list[list[str]], start: float) -> None:
        console = wide_console(110)
        for rows in (summary_rows(tables), parameter_rows(tables), held_out):
            if rows:
                print_table(console, rows)
        selected = _SELECTED.format(n=len(tables.trials))
        console.print(
            f"trial {tables.view.best.number} is {selected}\n"
            f"tables, figures, best.json and report.html are in {self.folder} "
            f"({duration(time.monotonic() - start)})\n"
            f"evaluate it: python -m cifar_sk.cv --params {self.folder / 'best.json'}\n"
            f"browse it: optuna-dashboard {self.spec.for_dashboard}",
            markup=False,
            soft_wrap=True,
        )
