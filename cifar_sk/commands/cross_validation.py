"""Runs a cross-validation as ``python -m cifar_sk.cv`` and nested studies do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cifar_sk.backend import interrupts
from cifar_sk.backend.temporary import sweep
from cifar_sk.commands.printing import print_table, wide_console
from cifar_sk.commands.progress import FoldProgress

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

    from cifar_sk.evaluation.fold_task import FoldEvent, Listener
    from cifar_sk.folds.predictions import OOFResult
    from cifar_sk.folds.splits import Split
    from cifar_sk.runs.folder import RunFolder

__all__ = ["CVJob"]


@dataclass(frozen=True)
class CVJob:
    """A cross-validation as the command line runs it."""

    bunch: Bunch
    splits: list[Split]
    pipeline: Pipeline
    seed: int
    n_threads: int
    n_jobs: int
    save_models: bool
    engine: str | None = None
    groups: np.ndarray | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)

    def run(
        self, path: Path, info: dict[str, Any], *, resume: bool, overwrite: bool, quiet: bool
    ) -> int:
        """Run what is missing in a run's folder, write what there is, and return the exit code."""
        from cifar_sk.runs.folder import RunFolder

        sweep()
        with RunFolder.open(
            path, self.identity, data=self.bunch, info=info, resume=resume, overwrite=overwrite
        ) as folder:
            return self._finish(folder, self._evaluate(folder, quiet))

    def _evaluate(self, folder: RunFolder, quiet: bool) -> OOFResult:
        from rich.console import Console

        n_done = len(folder.completed())
        if n_done and not quiet:
            typer.echo(f"{n_done} of {len(self.splits)} folds were finished before")
        seeds = [split.seed for split in self.splits]
        progress = FoldProgress(len(self.splits), n_done, Console(quiet=quiet), seeds=seeds)
        try:
            with progress:

                def listener(event: FoldEvent) -> None:
                    interrupts.check()
                    progress(event)

                return self._cross_validate(folder, listener)
        except KeyboardInterrupt:
            self._finish_early(folder)
            raise

    def _cross_validate(self, folder: RunFolder, listener: Listener) -> OOFResult:
        from cifar_sk.evaluation import AllFitsFailedError, cross_validate_oof

        bunch = self.bunch
        test = None if bunch.test_images is None else (bunch.test_images, bunch.test_target)
        try:
            return cross_validate_oof(
                self.pipeline,
                bunch.images,
                bunch.target,
                cv=self.splits,
                groups=self.groups,
                random_state=self.seed,
                class_names=bunch.target_names,
                holdout=test,
                engine=self.engine,
                n_jobs=self.n_jobs,
                n_threads=self.n_threads,
                store=folder,
                save_models=self.save_models,
                listener=listener,
            )
        except AllFitsFailedError as error:
            return error.result  # its tables and its report say why

    def _finish_early(self, folder: RunFolder) -> None:
        from cifar_sk.evaluation import collect_result

        bunch = self.bunch
        result = collect_result(
            folder.completed(),
            bunch.target,
            self.splits,
            class_names=bunch.target_names,
            holdout_y=None if bunch.test_images is None else bunch.test_target,
            groups=self.groups,
        )
        if result.folds:
            folder.end(result)
            self._finish(folder, result)

    def _finish(self, folder: RunFolder, result: OOFResult) -> int:
        from cifar_sk.metrics.interval_table import few_groups_note
        from cifar_sk.reports import RunTables, summary_table
        from cifar_sk.reports.run.files import range_note, write_tables
        from cifar_sk.reports.run.run_info import run_info

        info = run_info(folder.manifest, result) if folder.manifest else {}
        tables = RunTables(result, self.bunch.images)
        write_tables(tables, folder.path, info)
        console = wide_console(110)
        print_table(console, summary_table(tables.timed_folds, tables.intervals))
        if note := range_note(tables.folds):
            console.print(note, markup=False, soft_wrap=True)
        if note := few_groups_note(result):
            console.print(note, markup=False)
        for fold in result.failed:
            console.print(f"fold {fold.index + 1} failed: {fold.error}", markup=False)
        end = f"tables, figures and report.html are in {folder.path}"
        console.print(end, markup=False, soft_wrap=True)
        return 1 if result.failed else 0
