"""What an accuracy costs: three reference recipes beside the fast network, in one run.

``python -m studies.benchmarks.time_to_accuracy --output FOLDER``

The recipes are written as a user of plain Keras would write them, with their own batch sizes, and
R2's and R4's augmentation done as they do it, image by image on the host. All of their epochs
would take days, so steps of each are timed and multiplied by the number of steps that it trains.
R4's 50 epochs are the most that it trains, for it stops early. The fast network is trained for
real, with several seeds per accuracy to reach, on all training images, and scored on the official
test split, which chose nothing; after each of its epochs every recipe is timed for some steps, so
that slow spells of the machine meet both sides. CPU seconds are those of all threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.backend.machine import set_threads
from studies.benchmarks.augmentation_cost import image_generator
from studies.benchmarks.pairs import Stopwatch, show

# Parameters of the fast network that reach what a recipe reports, each the cheapest found by
# trying widths and epochs on the first of five folds of the training images.
CHEAPEST: dict[float, dict[str, Any]] = {
    0.702: {"width": 16, "epochs": 2},
    0.86: {"width": 32, "epochs": 7},
}

TimedTraining = Callable[[int], tuple[float, float]]

# As the recipes ran. With XLA convolutions are several times slower on processors, which would
# make this comparison look better than it is.
NO_XLA = {"jit_compile": False}


@dataclass(frozen=True)
class Recipe:
    """A reference system: what it reports, and how many steps it trains for that.

    Attributes
    ----------
    name : str
        As in the list of reference systems.
    reports : float
        Its accuracy, on its own split of lossless CIFAR-10.
    n_steps : int
        Epochs times batches, of 50,000 images or what it leaves for training.
    make : callable
        Images float32 [0, 1] and labels in; a function out that trains the given steps and
        returns wall and CPU seconds per step.
    """

    name: str
    reports: float
    n_steps: int
    make: Callable[[np.ndarray, np.ndarray], TimedTraining]


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--limit", type=int, default=None, help="training images (for a trial)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4, help="of each recipe per round")
    parser.add_argument("--seeds", type=int, default=3, help="fits of the fast network")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    set_threads(options.threads)
    show({"time_to_accuracy": measure(options)}, options.output)


def measure(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row per recipe: its cost, that of the fast network to its accuracy, the ratio."""
    from cifar_sk.datasets import load_dataset

    data = load_dataset(options.dataset, limit=options.limit, test_split=True)
    timer = RecipeTimer(data.images, data.target, options.seconds)
    rows = []
    for accuracy, params in CHEAPEST.items():
        timer.rounds.clear()
        fits = [train_fast(params, data, seed, timer) for seed in range(options.seeds)]
        for recipe in RECIPES:
            if recipe.reports <= accuracy + 0.01:  # R4's 0.85 is compared with 0.86's cost
                rows.append(compare(recipe, timer, accuracy, params, fits))
    return pd.DataFrame(rows)


class RecipeTimer:
    """Times a few seconds of each recipe whenever it is called.

    Attributes
    ----------
    rounds : list of dict
        Seconds per step, wall and CPU, by the recipe's name.
    """

    def __init__(self, images: np.ndarray, target: np.ndarray, seconds: float) -> None:
        chosen = np.random.default_rng(0).permutation(len(images))[:8000]
        X, y = images[chosen].astype("float32") / 255, target[chosen]
        self._train = {recipe.name: recipe.make(X, y) for recipe in RECIPES}
        self._n_steps = {}
        for name, train in self._train.items():
            train(3)  # traces
            wall, _ = train(5)
            # An epoch of its images, less the step before the first that counts, is the most.
            self._n_steps[name] = int(np.clip(seconds / wall, 8, len(X) // 64 - 2))
        self.rounds: list[dict[str, tuple[float, float]]] = []

    def __call__(self) -> None:
        """Time one round."""
        times = {name: train(self._n_steps[name]) for name, train in self._train.items()}
        self.rounds.append(times)
        print({name: round(1e3 * cpu, 1) for name, (_, cpu) in times.items()}, file=sys.stderr)


def train_fast(params: dict[str, Any], data: Any, seed: int, timer: RecipeTimer) -> dict[str, Any]:
    """Train and score the fast network; the timer runs after each epoch, and is not counted."""
    from cifar_sk import FastCNNClassifier
    from cifar_sk.folds.progress import listening

    timed = Stopwatch()

    def time_recipes(_: object) -> None:
        with timed:
            timer()

    classifier = FastCNNClassifier(random_state=seed, **params)
    with Stopwatch() as fit, listening(time_recipes):
        classifier.fit(data.images, data.target)
    with Stopwatch() as predict:
        predicted = classifier.predict(data.test_images)
    cost = {
        "reached": float((predicted == data.test_target).mean()),
        "fit_wall": fit.wall - timed.wall,
        "fit_cpu": fit.cpu - timed.cpu,
        "predict_cpu": predict.cpu,
    }
    print(params, seed, cost, file=sys.stderr)
    return cost


def compare(
    recipe: Recipe, timer: RecipeTimer, accuracy: float, params: dict, fits: list[dict[str, Any]]
) -> dict[str, Any]:
    """Set a recipe's extrapolated cost beside the measured one, medians over rounds and fits."""
    wall, cpu = np.array([times[recipe.name] for times in timer.rounds]).T
    total = np.median(cpu) * recipe.n_steps
    fast = {name: np.array([fit[name] for fit in fits]) for name in fits[0]}
    # Every fit over every round: the spread of both sides.
    quotients = (fast["fit_cpu"][:, None] / (cpu * recipe.n_steps)).ravel()
    low, high = np.percentile(quotients, [25, 75])
    return {
        "recipe": recipe.name,
        "reports": recipe.reports,
        "steps": recipe.n_steps,
        "cpu_ms_per_step": 1e3 * np.median(cpu),
        "cpu_s": total,
        "wall_s": np.median(wall) * recipe.n_steps,
        "fast_aims_at": accuracy,
        "fast_params": " ".join(f"{name}={value}" for name, value in params.items()),
        "fast_test_accuracy": fast["reached"].mean(),
        "fast_test_accuracy_min": fast["reached"].min(),
        "fits_that_reach_it": f"{(fast['reached'] >= accuracy).sum()} of {len(fits)}",
        "fast_cpu_s": np.median(fast["fit_cpu"]),
        "fast_wall_s": np.median(fast["fit_wall"]),
        "fast_predict_cpu_s": np.median(fast["predict_cpu"]),
        "cpu_ratio": np.median(quotients),
        "cpu_ratio_q25": low,
        "cpu_ratio_q75": high,
        "wall_ratio": np.median(fast["fit_wall"]) / (np.median(wall) * recipe.n_steps),
        "rounds": len(cpu),
    }


# --- the recipes, in plain Keras ------------------------------------------------------------


def _timed_fit(model: Any, n_steps: int, *args: Any, **kwargs: Any) -> tuple[float, float]:
    """Train, and return wall and CPU seconds per step between the first step and the last.

    Setting up the batches, and those that Keras looks at beforehand, are not charged.
    """
    import keras

    times: list[tuple[float, float]] = []

    class StepTimes(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            times.append((time.perf_counter(), time.process_time()))

    model.fit(*args, epochs=1, verbose=0, callbacks=[StepTimes()], **kwargs)
    (wall, cpu), (end_wall, end_cpu) = times[0], times[n_steps]
    return (end_wall - wall) / n_steps, (end_cpu - cpu) / n_steps


def _fit_steps(model: Any, batches: Any) -> TimedTraining:
    return lambda n_steps: _timed_fit(model, n_steps, batches, steps_per_epoch=n_steps + 1)


def _r0(X: np.ndarray, y: np.ndarray) -> TimedTraining:
    from keras import Sequential, layers

    model = Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **NO_XLA)

    def train(n_steps: int) -> tuple[float, float]:
        n = 32 * (n_steps + 1)
        return _timed_fit(model, n_steps, X[:n], y[:n], batch_size=32)  # arrays, as it does

    return train


def _r2(X: np.ndarray, y: np.ndarray) -> TimedTraining:
    import keras
    from keras import Sequential, layers

    def conv(width: int) -> Any:
        l2 = keras.regularizers.L2(1e-4)
        return layers.Conv2D(width, 3, padding="same", activation="relu", kernel_regularizer=l2)

    def dense(width: int) -> list[Any]:
        return [layers.Dense(width, activation="relu"), layers.Dropout(0.5)]

    def pool() -> list[Any]:
        return [layers.MaxPooling2D(), layers.Dropout(0.3)]

    model = Sequential(
        [
            layers.Input((32, 32, 3)),
            *[conv(128), *pool(), conv(256), *pool(), conv(512), conv(512), conv(256), *pool()],
            layers.Flatten(),
            *[*dense(512), *dense(256), *dense(128)],
            layers.Dense(10, activation="softmax"),
        ]
    )
    rate = keras.optimizers.schedules.InverseTimeDecay(3e-4, 1, 1e-6)
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], **NO_XLA)
    return _fit_steps(model, image_generator("r2").flow(X, np.eye(10)[y], batch_size=64))


def _r4(X: np.ndarray, y: np.ndarray) -> TimedTraining:
    import keras
    from keras import Sequential, layers

    def block(width: int) -> list[Any]:
        l2 = keras.regularizers.L2(1e-3)
        return [
            layers.Conv2D(width, 3, padding="same", activation="relu", kernel_regularizer=l2),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
        ]

    model = Sequential(
        [
            layers.Input((32, 32, 3)),
            *[*block(32), *block(64), *block(128)],
            layers.Flatten(),
            layers.Dense(256, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **NO_XLA)
    return _fit_steps(model, image_generator("r4").flow(X, y, batch_size=32))


RECIPES = (
    Recipe("R0", 0.702, 10 * 50_000 // 32, _r0),
    Recipe("R2", 0.86, 100 * 40_000 // 64, _r2),
    Recipe("R4", 0.85, 50 * 40_000 // 32, _r4),
)

if __name__ == "__main__":
    main()
