"""What the fold loop costs beside a hand-written one: paired times and peak memory.

``python -m studies.benchmarks.overhead --output FOLDER``

Both train the network "cnn" on the same images with the same folds, batch size, optimiser and
number of epochs, and predict every fold. By hand is plain Keras as most people write it: the
images as floats, ``model.fit`` on a slice. Every run is a process of its own; the two take turns,
each first in every other round. Then, in one process, memory after each of 20 folds, and the time
that ``import cifar_sk`` and ``--help`` take.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from studies.benchmarks.pairs import Stopwatch, in_new_process, ratios, report_usage, show

MODULE = "studies.benchmarks.overhead"
BATCH = 64


def main() -> None:
    """Measure, print the tables, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--limit", type=int, default=50_000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-folds", type=int, default=20)
    parser.add_argument("--memory-limit", type=int, default=20_000)
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    parser.add_argument("--only", choices=sorted(LOOPS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        LOOPS[options.only](options)
        return
    tables = {
        "overhead": compare_loops(options),
        "overhead_memory": memory_over_folds(options),
        "overhead_start": start_up(),
    }
    show(tables, options.output)


def compare_loops(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row per loop: wall and CPU seconds, peak MB, and their ratios to by hand."""
    rows = []
    for turn in range(options.rounds):
        order = ["by hand", "cross_validate_oof"]
        for loop in order if turn % 2 else order[::-1]:
            rows.append({"round": turn, "loop": loop, **_run(loop, options, options.limit)})
            print(rows[-1], file=sys.stderr)
    return ratios(pd.DataFrame(rows), "loop", "by hand", ["wall_s", "cpu_s", "peak_mb"])


def memory_over_folds(options: argparse.Namespace) -> pd.DataFrame:
    """Return resident MB after each fold of one process, and its ratio to that after fold 2."""
    usage = _run("memory", options, options.memory_limit, options.memory_folds)
    resident = np.array(usage["resident_mb"])
    folds = np.arange(1, len(resident) + 1)
    return pd.DataFrame(
        {"folds_done": folds, "resident_mb": resident, "ratio_to_fold_2": resident / resident[1]}
    )


def start_up(rounds: int = 7) -> pd.DataFrame:
    """Return the median seconds of starting Python alone, with an import, and of ``--help``."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "import cifar_sk": ["-c", "import cifar_sk"],
        "python -m cifar_sk.cv --help": ["-m", "cifar_sk.cv", "--help"],
    }
    rows = []
    for _ in range(rounds):
        for name, words in commands.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
            rows.append({"command": name, "seconds": time.perf_counter() - begun})
    grouped = pd.DataFrame(rows).groupby("command", sort=False)["seconds"]
    table = grouped.describe()[["25%", "50%", "75%"]].reset_index()
    return table.set_axis(["command", "q25_s", "median_s", "q75_s"], axis=1)


def _run(loop: str, options: argparse.Namespace, limit: int, folds: int | None = None) -> dict:
    words = ["--only", loop, "--dataset", options.dataset, "--limit", limit]
    words += ["--folds", folds or options.folds, "--epochs", options.epochs]
    return in_new_process(MODULE, words, threads=options.threads)


def _images(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    from cifar_sk.datasets import load_dataset

    data = load_dataset(options.dataset, limit=options.limit)
    return data.images, data.target


def _loop_by_hand(options: argparse.Namespace) -> None:
    import keras
    from sklearn.model_selection import StratifiedKFold

    from cifar_sk.networks import cnn

    images, target = _images(options)
    with Stopwatch() as stopwatch:
        X = images.astype("float32") / 255
        proba = np.zeros((len(X), int(target.max()) + 1))
        folds = StratifiedKFold(options.folds, shuffle=True, random_state=0)
        for train, test in folds.split(X, target):
            model = cnn(X.shape[1:], proba.shape[1])
            model.compile(
                "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
            )
            model.fit(X[train], target[train], BATCH, options.epochs, verbose=0)
            proba[test] = model.predict(X[test], 256, verbose=0)
            keras.backend.clear_session()
    report_usage(stopwatch, accuracy=float((proba.argmax(1) == target).mean()))


def _pipeline(options: argparse.Namespace) -> object:
    from cifar_sk.pipelines.models import make_model

    return make_model("cnn").set_params(
        classifier__epochs=options.epochs,
        classifier__batch_size=BATCH,
        classifier__early_stopping=False,
        classifier__schedule="constant",
    )


def _loop_of_ours(options: argparse.Namespace) -> None:
    from cifar_sk.evaluation import cross_validate_oof

    images, target = _images(options)
    pipeline = _pipeline(options)  # loads Keras, as the import above does by hand
    with Stopwatch() as stopwatch:
        result = cross_validate_oof(pipeline, images, target, cv=options.folds)
    report_usage(stopwatch, accuracy=float((result.oof_proba.argmax(1) == target).mean()))


def _memory(options: argparse.Namespace) -> None:
    import psutil

    from cifar_sk.evaluation import cross_validate_oof

    images, target = _images(options)
    process, resident = psutil.Process(), []

    def note(event: object) -> None:
        if getattr(event, "result", None) is not None:
            resident.append(process.memory_info().rss / 2**20)

    pipeline = _pipeline(options)
    with Stopwatch() as stopwatch:
        cross_validate_oof(pipeline, images, target, cv=options.folds, listener=note)
    report_usage(stopwatch, resident_mb=resident)


LOOPS = {"by hand": _loop_by_hand, "cross_validate_oof": _loop_of_ours, "memory": _memory}

if __name__ == "__main__":
    main()
