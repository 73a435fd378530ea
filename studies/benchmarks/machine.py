"""How best to use a processor: what was tried, side by side, and what it gains or costs.

``python -m studies.benchmarks.machine --output FOLDER``

Each row is one change to how cifar_sk trains a network: threads against folds in parallel, batch
size, several steps per call, bfloat16, XLA, fused batch normalisation, tf.data against arrays,
and the batch size of predictions. Rounds go through all rows in turn; the ratio is to the row
"as it is" of the same network and round, per image, so below 1 is faster.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.backend.machine import set_threads
from studies.benchmarks.pairs import Stopwatch, in_new_process, ratios, report_usage, show

MODULE = "studies.benchmarks.machine"
NETWORKS = {"cnn": 64, "fast": 512}  # batch sizes
# (folds at a time, threads of each), for two processors.
SHARES = {"1 fold × 2 threads": (1, 2), "2 folds × 1 thread": (2, 1)}


def main() -> None:
    """Measure, print the tables, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--limit", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    parser.add_argument("--share", nargs=3, metavar=("MODEL", "JOBS", "THREADS"))
    options = parser.parse_args()
    if options.share:
        measure_share(options, options.share[0], *map(int, options.share[1:]))
        return
    set_threads(options.threads)
    tables = {"machine_shares": compare_shares(options), "machine": compare_variants(options)}
    show(tables, options.output)


# --- threads against folds ------------------------------------------------------------------


def compare_shares(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row per network and way of sharing the processors among folds."""
    tables = []
    for model in NETWORKS:
        rows = []
        for turn in range(max(2, options.rounds // 2)):
            for share, (jobs, threads) in SHARES.items():
                words = ["--dataset", options.dataset, "--limit", options.limit]
                words += ["--share", model, jobs, threads]
                usage = in_new_process(MODULE, words, threads=threads)
                rows.append({"round": turn, "share": share, **usage})
                print(model, rows[-1], file=sys.stderr)
        table = ratios(pd.DataFrame(rows), "share", next(iter(SHARES)), ["wall_s"])
        tables.append(table.assign(model=model))
    return pd.concat(tables)


def measure_share(options: argparse.Namespace, model: str, jobs: int, threads: int) -> None:
    """Cross-validate once and report the time."""
    from cifar_sk.datasets import load_dataset
    from cifar_sk.evaluation import cross_validate_oof
    from cifar_sk.pipelines.models import make_model

    data = load_dataset(options.dataset, limit=options.limit)
    pipeline = make_model(model).set_params(
        classifier__epochs=2, classifier__batch_size=NETWORKS[model]
    )
    loop = {"n_jobs": jobs, "n_threads": threads}
    # Workers load Keras when they start, as this process has done above.
    cross_validate_oof(pipeline, data.images[:400], data.target[:400], cv=2, **loop)
    with Stopwatch() as stopwatch:
        cross_validate_oof(pipeline, data.images, data.target, cv=4, **loop)
    report_usage(stopwatch)


# --- one network, trained otherwise ---------------------------------------------------------


def compare_variants(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row per network and change: milliseconds per 1,000 images, and the ratio."""
    from cifar_sk.datasets import load_dataset

    data = load_dataset(options.dataset, limit=options.limit)
    tables = []
    for network, batch in NETWORKS.items():
        work = variants(network, batch, data.images, data.target.astype(np.int32))
        rows = []
        for turn in range(options.rounds):
            # Each row is first in some round, for the first is warmed up by nothing.
            names = list(work)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                n_images, run = work[name]
                with Stopwatch() as timed:
                    run()
                row = {"ms_per_1000": 1e6 * timed.wall, "cpu_ms_per_1000": 1e6 * timed.cpu}
                row = {unit: value / n_images for unit, value in row.items()}
                rows.append({"round": turn, "change": name, **row})
                print(network, rows[-1], file=sys.stderr)
        measured = pd.DataFrame(rows)
        is_prediction = measured["change"].str.startswith("predict")
        for part, baseline in (
            (measured[~is_prediction], "as it is"),
            (measured[is_prediction], "predict, batches of 256, as it is"),
        ):
            table = ratios(part, "change", baseline, ["ms_per_1000", "cpu_ms_per_1000"])
            tables.append(table.assign(network=network))
    return pd.concat(tables)


def variants(
    network: str, batch: int, images: np.ndarray, target: np.ndarray
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return what to time, by name: how many images, and a function that trains on them."""
    n_images = 10 * 64 * 4 if network == "cnn" else 4 * 512
    images, target = images[:n_images], target[:n_images]

    def training(**changes: Any) -> tuple[int, Callable[[], object]]:
        return n_images, _training(network, images, target, **{"batch": batch, **changes})

    model = _model(network, {})
    model.compile("sgd", jit_compile=False)

    def prediction(size: int) -> tuple[int, Callable[[], object]]:
        model.predict(images[:size], size, verbose=0)
        return n_images, lambda: model.predict(images, size, verbose=0)

    other = {"cnn": "bfloat16", "fast": "float32"}[network]
    return {
        "as it is": training(),
        "batch size × 2": training(batch=2 * batch),
        "batch size ÷ 2": training(batch=batch // 2),
        "several steps per call (8, fast: 2)": training(
            steps_per_execution=8 if network == "cnn" else 2
        ),
        f"{other} activations": training(precision=other),
        "XLA": training(jit_compile=True),
        "Keras' batch normalisation": training(fused=False),
        "tf.data": training(feed="tf.data"),
        "arrays": training(feed="arrays"),
        "predict, batches of 256, as it is": prediction(256),
        "predict, batches of 64": prediction(64),
        "predict, batches of 1024": prediction(1024),
    }


def _model(network: str, changes: dict[str, Any]) -> Any:
    import keras

    from cifar_sk.networks import get_network

    build = get_network(network).build
    precision = changes.get("precision")
    if network == "fast":
        inner = build((32, 32, 3), 10, precision=precision or "auto")
    else:
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if precision else policy)
        inner = build((32, 32, 3), 10)
        keras.config.set_dtype_policy(policy)
    inputs = keras.Input((32, 32, 3), dtype="uint8")
    return keras.Model(inputs, inner(keras.layers.Rescaling(1 / 255)(inputs)))


def _training(
    network: str, images: np.ndarray, target: np.ndarray, *, batch: int, **changes: Any
) -> Callable[[], object]:
    import keras
    import tensorflow as tf

    from cifar_sk.estimators.batches import BatchSequence
    from cifar_sk.networks import layers as own_layers

    kernel = own_layers.fused_batch_norm
    if not changes.get("fused", True):
        own_layers.fused_batch_norm = lambda *_: None
    model = _model(network, changes)
    model.compile(
        keras.optimizers.SGD(1e-3, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy",
        jit_compile=changes.get("jit_compile", False),
        steps_per_execution=changes.get("steps_per_execution", 1),
    )
    feed = changes.get("feed", "as it is")
    if feed == "arrays":
        feeding: dict[str, Any] = {"x": images, "y": target, "batch_size": batch}
    elif feed == "tf.data":
        slices = tf.data.Dataset.from_tensor_slices((images, target))
        feeding = {"x": slices.shuffle(len(images)).batch(batch).prefetch(2)}
    else:
        index = np.arange(len(images))
        feeding = {"x": BatchSequence(images, index, batch, target=target, seed=0)}
    model.fit(**feeding, verbose=0)  # traces
    own_layers.fused_batch_norm = kernel
    return lambda: model.fit(**feeding, verbose=0)


if __name__ == "__main__":
    main()
