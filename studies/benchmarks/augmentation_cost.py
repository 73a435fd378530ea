"""What augmentation costs: paired times of a training step with and without each policy.

``python -m studies.benchmarks.augmentation_cost [--policies light r2 r4] [--output FOLDER]``

The network is "cnn" at batch 64. Each round times a run of steps without augmentation and then
with each policy, in turn, so that slow spells of the machine hit both sides of a ratio. In the
same rounds Keras' legacy ImageDataGenerator, which the recipes R2 and R4 use, makes batches of 64
with the same operations; its cost per batch is set beside what the policy adds to a step.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.backend.machine import set_threads
from studies.benchmarks.pairs import show

BATCH, STEPS = 64, 10
GENERATORS = {
    "r2": {
        "rotation_range": 15,
        "width_shift_range": 0.1,
        "height_shift_range": 0.1,
        "horizontal_flip": True,
    },
    "r4": {
        "rotation_range": 20,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 0.2,
        "zoom_range": 0.2,
        "horizontal_flip": True,
        "fill_mode": "nearest",
    },
}
POLICIES = ("flip", "light", "flip,translate:0.1", "r2", "r4", "light,cutmix")


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", nargs="+", default=POLICIES, metavar="POLICY")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of TensorFlow")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    set_threads(options.threads)
    table = measure(options.policies, options.rounds)
    show({"augmentation_cost": table}, options.output)


def measure(policies: list[str], n_rounds: int) -> pd.DataFrame:
    """Return a row per policy: step time (ms), its ratio to the unaugmented step, the spread."""
    timed = {policy: _training_step(policy) for policy in ["none", *policies]}
    timed |= {f"generator {name}": _generator(name) for name in GENERATORS if name in policies}
    times = pd.DataFrame(
        [{name: _time(work) for name, work in timed.items()} for _ in range(n_rounds)]
    )
    rows = []
    for policy in ["none", *policies]:
        ratio, added = times[policy] / times["none"], times[policy] - times["none"]
        row = {
            "policy": policy,
            "step_ms": times[policy].median() * 1e3,
            "ratio": ratio.median(),
            "ratio_q25": ratio.quantile(0.25),
            "ratio_q75": ratio.quantile(0.75),
            "added_ms": added.median() * 1e3,
            "rounds": n_rounds,
        }
        if f"generator {policy}" in times:
            generator = times[f"generator {policy}"].median()
            row |= {"generator_ms": generator * 1e3, "generator_ratio": generator / added.median()}
        rows.append(row)
    return pd.DataFrame(rows)


def _generator(name: str) -> Callable[[], object]:
    images = np.random.default_rng(0).random((BATCH, 32, 32, 3), dtype=np.float32)
    batches = image_generator(name).flow(images, batch_size=BATCH)
    return lambda: next(batches)


def image_generator(name: str) -> Any:
    """Make Keras' legacy generator with the operations of "r2" or "r4"."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    return ImageDataGenerator(**GENERATORS[name])


def _training_step(policy: str) -> Callable[[], object]:
    import keras
    import tensorflow as tf

    from cifar_sk.augmentation import augmentation_steps
    from cifar_sk.augmentation.layers import build_augmentation, mix_targets
    from cifar_sk.networks import cnn

    model, optimizer = cnn((32, 32, 3), 10), keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    augmentation = build_augmentation(augmentation_steps(policy), seed=0)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.integers(0, 256, (BATCH, 32, 32, 3), dtype=np.uint8))
    targets = keras.ops.one_hot(rng.integers(0, 10, BATCH), 10)

    @tf.function(jit_compile=False)
    def step() -> object:
        inputs, mixes = augmentation(tf.cast(images, tf.float32) / 255)
        with tf.GradientTape() as tape:
            proba = model(inputs, training=True)
            losses = keras.losses.categorical_crossentropy(mix_targets(targets, mixes), proba)
            loss = keras.ops.mean(losses) + sum(model.losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return step


def _time(work: Callable[[], object]) -> float:
    work()  # the first call of all compiles; later ones settle the caches
    begun = time.perf_counter()
    for _ in range(STEPS):
        result = work()
    np.asarray(result)  # waits for what is still computed
    return (time.perf_counter() - begun) / STEPS


if __name__ == "__main__":
    main()
