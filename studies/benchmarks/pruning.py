"""What pruning saves: training epochs until the same best score, with and without it.

``python -m studies.benchmarks.pruning --dataset cifar10-jpeg --limit 2000 --output FOLDER``

One random search is run without pruning, every epoch of every fold recorded. Fits are
reproducible and a random search does not learn, so what the same trials would have done under a
pruner, in any order, follows from the record; the real pruner is asked, trial by trial, in many
orders. To show that this is so, the study is then run once more with the pruner, for real, and
compared with its replay. The study is kept in FOLDER and continues where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import optuna
import pandas as pd

from cifar_sk.backend.machine import cap_threads
from cifar_sk.commands.options import open_dataset
from cifar_sk.folds.splits import make_splits
from cifar_sk.pipelines.models import make_model, set_params
from cifar_sk.tuning.engine import Budget, open_study, run_trials
from cifar_sk.tuning.lost_trials import reclaim
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.pruning import FoldPruner
from cifar_sk.tuning.search import study_identity
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.storage import choose_storage, close_storage
from cifar_sk.tuning.study_view import quiet_optuna

# The shipped space of the CNN without its slowest networks, so that the record takes half an hour.
SPACE = {
    "classifier__widths": [[16, 32, 64], [32, 64], [32, 64, 128]],
    "classifier__kernel_size": [3, 5],
    "classifier__convs_per_block": [1, 2],
    "classifier__dropout": {"low": 0.0, "high": 0.5, "step": 0.05},
    "classifier__l2": {"low": 1e-5, "high": 1e-2, "log": True},
    "classifier__activation": ["relu", "gelu", "swish"],
    "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "classifier__batch_size": [32, 64, 128],
    "classifier__schedule": ["reduce_on_plateau", "cosine", "one_cycle"],
}
PRUNERS = {
    "none": optuna.pruners.NopPruner(),
    "fold (keep 0.2, from epoch 3)": FoldPruner(),
    "fold, from epoch 1": FoldPruner(min_epochs=1),
    "fold, keep 0.1": FoldPruner(0.1),
    "fold, keep 0.4": FoldPruner(0.4),
    "Optuna's SuccessiveHalving, factor 3": optuna.pruners.SuccessiveHalvingPruner(
        reduction_factor=3
    ),
    "Optuna's Median": optuna.pruners.MedianPruner(),
}


def main() -> None:
    """Record, replay, check, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default=None)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-check", action="store_true", help="do not run the pruned study")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    cap_threads(options.threads, 1)
    task, data = make_task(options)
    recorded = run(task, data, options, "none")
    table = replay_all(recorded, options.orders)
    print(table.round(3).to_string(index=False))
    table.to_csv(options.output / "pruning.csv", index=False)
    if not options.skip_check:
        real = run(task, data, options, "fold")
        check(recorded, real)


def make_task(options: argparse.Namespace) -> tuple[TuningTask, dict[str, object]]:
    """Return what the study tunes, and what names its data."""
    bunch = open_dataset(options.dataset, None, options.limit, seed=options.seed)
    pipeline = set_params(make_model("cnn"), {"classifier__epochs": options.epochs})
    splits = make_splits(bunch.target, n_folds=options.folds, random_state=options.seed)
    task = TuningTask(
        pipeline,
        SearchSpace(SPACE),
        bunch.images,
        bunch.target,
        splits,
        random_state=options.seed,
    )
    names = {"name": bunch.name, "n_samples": len(bunch.target), "fingerprint": bunch.fingerprint}
    return task, names


def run(
    task: TuningTask, data: dict[str, object], options: argparse.Namespace, pruner: str
) -> optuna.Study:
    """Run a random search, or what is missing of it."""
    folder = options.output / pruner
    budget = Budget(options.trials, sampler="random", pruner=pruner)
    storage = choose_storage(None, folder).open()
    study = open_study(task, budget, storage, pruner, study_identity(task, data))
    reclaim(study, is_stale=lambda _: True)
    shown: set[int] = set()

    def watch(study: optuna.Study) -> None:
        for trial in study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in shown:
                shown.add(trial.number)
                print(pruner, trial.number, trial.state.name, trial.values, flush=True)

    run_trials(study, task, budget, watch=watch)
    with quiet_optuna():
        copy = optuna.create_study(direction=study.direction.name.lower())
    copy.set_user_attr("epochs_per_fold", study.user_attrs["epochs_per_fold"])
    copy.add_trials([t for t in study.trials if t.state.name in {"COMPLETE", "PRUNED"}])
    close_storage(storage)
    return copy


def replay_all(recorded: optuna.Study, n_orders: int) -> pd.DataFrame:
    """Return a row per pruner: what it spends and what it finds, over many orders of the trials.

    The default parameters stay first, as in every study.
    """
    trials = recorded.get_trials()
    rng = np.random.default_rng(0)
    orders = [[0, *(1 + rng.permutation(len(trials) - 1))] for _ in range(n_orders)]
    rows = []
    for name, pruner in PRUNERS.items():
        outcomes = [replay(trials, order, pruner, recorded) for order in orders]
        base = [sum(epochs_of(t) for t in trials) for _ in orders]
        best = max(t.value for t in trials)
        found = np.array([max(score) for _, score in outcomes])
        spent = np.array([sum(epochs) for epochs, _ in outcomes])
        until = np.array([until_best(epochs, scores) for epochs, scores in outcomes])
        # The same order without a pruner, until it has a score as good as this order's best.
        needed = np.array(
            [until_score(trials, order, score) for order, score in zip(orders, found, strict=True)]
        )
        ratio = until / needed
        rows.append(
            {
                "pruner": name,
                "epochs": np.median(spent),
                "epochs_ratio": np.median(spent / base),
                "to_same_best_ratio": np.median(ratio),
                "to_same_best_q25": np.quantile(ratio, 0.25),
                "to_same_best_q75": np.quantile(ratio, 0.75),
                "finds_best": np.mean(found == best),
                "mean_regret": np.mean(best - found),
            }
        )
    return pd.DataFrame(rows)


def replay(
    trials: Sequence[optuna.trial.FrozenTrial],
    order: Sequence[int],
    pruner: optuna.pruners.BasePruner,
    recorded: optuna.Study,
) -> tuple[list[int], list[float]]:
    """Return each trial's epochs, and its score or minus infinity, as a pruner would have it."""
    with quiet_optuna():
        study = optuna.create_study(direction="maximize", pruner=pruner)
    study.set_user_attr("epochs_per_fold", recorded.user_attrs["epochs_per_fold"])
    epochs, scores = [], []
    for place in order:
        original, trial = trials[place], study.ask()
        n_epochs, stride = 0, recorded.user_attrs["epochs_per_fold"] + 1
        last = max(original.intermediate_values)
        for step, value in sorted(original.intermediate_values.items()):
            n_epochs += step % stride != 0
            trial.report(value, step)
            if step < last and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                scores.append(-np.inf)
                break
        else:
            study.tell(trial, original.value)
            scores.append(original.value)
        epochs.append(n_epochs)
    return epochs, scores


def epochs_of(trial: optuna.trial.FrozenTrial) -> int:
    """Return how many epochs a trial trained."""
    return sum(trial.user_attrs["n_epochs"])


def until_best(epochs: Sequence[int], scores: Sequence[float]) -> int:
    """Return the epochs spent when the best score was there."""
    return sum(epochs[: int(np.argmax(scores)) + 1])


def until_score(
    trials: Sequence[optuna.trial.FrozenTrial], order: Sequence[int], score: float
) -> int:
    """Return the epochs spent without a pruner when such a score was there."""
    spent = 0
    for place in order:
        spent += epochs_of(trials[place])
        if trials[place].value >= score:
            break
    return spent


def check(recorded: optuna.Study, real: optuna.Study) -> None:
    """Compare the study that was really run with the pruner with its replay."""
    trials = recorded.get_trials()
    epochs, scores = replay(trials, range(len(trials)), FoldPruner(), recorded)
    really = [epochs_of(trial) for trial in real.get_trials()]
    same = [t.params for t in trials] == [t.params for t in real.get_trials()]
    print(f"same trials: {same}; epochs as replayed: {really == epochs}")
    print(f"epochs {sum(really)} of {sum(map(epochs_of, trials))}")
    found = max(t.value for t in real.get_trials() if t.state.name == "COMPLETE")
    best = max(t.value for t in trials)
    print(f"best {found:.4f} of {best:.4f}, replayed {max(scores):.4f}")


if __name__ == "__main__":
    main()
