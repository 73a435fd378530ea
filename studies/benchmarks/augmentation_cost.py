"""What augmentation costs: paired times of a training step with and without each policy.

``python -m studies.benchmarks.augmentation_cost [--policies light r2 r4] [--output costs.csv]``

The network is R4's CNN at batch 64. Each round times a run of steps without augmentation and then
with each policy, in turn, so that slow spells of the machine hit both sides of a ratio.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

BATCH, STEPS = 64, 10
POLICIES = ("flip", "light", "flip,translate:0.1", "r2", "r4", "light,cutmix")


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", nargs="+", default=POLICIES, metavar="POLICY")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of TensorFlow")
    parser.add_argument("--output", type=Path, metavar="CSV")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(options.threads)
    table = measure(options.policies, options.rounds)
    print(table.round(3).to_string(index=False))
    if options.output:
        table.to_csv(options.output, index=False)


def measure(policies: list[str], n_rounds: int) -> pd.DataFrame:
    """Return a row per policy: step time (ms) and its ratio to the unaugmented step."""
    steps = {policy: _training_step(policy) for policy in ["none", *policies]}
    times = pd.DataFrame(
        [{policy: _time(step) for policy, step in steps.items()} for _ in range(n_rounds)]
    )
    ratios = times.div(times["none"], axis=0)
    return pd.DataFrame(
        {
            "policy": times.columns,
            "step_ms": times.median().to_numpy() * 1e3,
            "ratio": ratios.median().to_numpy(),
            "ratio_q25": ratios.quantile(0.25).to_numpy(),
            "ratio_q75": ratios.quantile(0.75).to_numpy(),
        }
    )


def _training_step(policy: str) -> Callable[[], object]:
    import keras
    import tensorflow as tf

    from cifar_sk.augmentation import augmentation_steps
    from cifar_sk.augmentation.operations import build_augmentation, mix_targets

    model, optimizer = _network(), keras.optimizers.Adam(1e-3)
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


def _network() -> object:
    import keras

    layers, l2 = keras.layers, keras.regularizers.L2(1e-3)
    blocks = [
        layer
        for width in (32, 64, 128)
        for layer in (
            layers.Conv2D(width, 3, padding="same", activation="relu", kernel_regularizer=l2),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
        )
    ]
    head = [
        layers.Flatten(),
        layers.Dense(256, activation="relu", kernel_regularizer=l2),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
    return keras.Sequential([keras.Input((32, 32, 3)), *blocks, *head])


def _time(step: Callable[[], object]) -> float:
    step().numpy()  # the first call of all compiles; later ones settle the caches
    start = time.perf_counter()
    for _ in range(STEPS):
        loss = step()
    loss.numpy()
    return (time.perf_counter() - start) / STEPS


if __name__ == "__main__":
    main()
