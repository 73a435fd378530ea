"""Folds one after another, in this thread."""

from __future__ import annotations

from collections.abc import Generator

from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.evaluation.engines.base import FoldWork
from cifar_sk.evaluation.fold_task import Listener, run_fold
from cifar_sk.folds.predictions import FoldResult

__all__ = ["Serial"]


@ENGINES.register("serial")
class Serial:
    """Runs folds one after another; what a listener raises ends the fit at once."""

    joblib_backend = "sequential"

    def run(self, work: FoldWork, tell: Listener) -> Generator[FoldResult, None, None]:
        """Run folds, as `Engine.run` says."""
        for split in work.splits:
            save_to = work.save_to(split)
            yield run_fold(work.task, split, n_threads=work.n_threads, save_to=save_to, tell=tell)
