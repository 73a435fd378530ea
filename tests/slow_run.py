"""A cross-validation without TensorFlow that takes a while: ``slow_run.py FOLDER N_JOBS``."""

import sys
import time
from pathlib import Path

import typer
from sklearn.dummy import DummyClassifier

from cifar_sk.commands.cross_validation import CVJob
from cifar_sk.commands.running import run_command
from cifar_sk.datasets import load_dataset
from cifar_sk.folds.progress import EpochEnd, report_epoch
from cifar_sk.folds.splits import make_splits


class Slow(DummyClassifier):
    """Guesses, after four epochs."""

    def fit(self, X, y):
        for epoch in range(1, 5):
            time.sleep(0.15)
            report_epoch(EpochEnd(epoch, 4, {"loss": 1 / epoch}))
        return super().fit(X, y)


def run(folder: Path, n_jobs: int, *, resume: bool = False) -> int:
    """Run it as ``python -m cifar_sk.cv`` does, of three classes to have few figures."""
    bunch = load_dataset(folder.with_name("tiny.npz"))
    splits = make_splits(bunch.target, n_folds=4, random_state=0)
    job = CVJob(bunch, splits, Slow(strategy="stratified"), 0, 1, n_jobs, save_models=False)
    return job.run(folder, {"title": "slow"}, resume=resume, overwrite=False, quiet=False)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(run)
    run_command(app, "slow_run", sys.argv[1:])
