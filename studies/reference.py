"""The reference results: four networks, each cross-validated on all of CIFAR-10.

``python -m studies.reference --dataset cifar10-jpeg``

Runs (or continues) one command per network and sums their tables up in ``summary.csv``. The runs
take some two hours on two processors; a run that is there already is not repeated.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import pandas as pd

from cifar_sk.cv import main as cross_validate
from cifar_sk.runs.folder import read_manifest

# What `python -m cifar_sk.cv --model` is called with. Epochs are what fits into an hour each.
RUNS = {
    "ann": "--epochs 10 --batch-size 128",
    "cnn-basic": "--epochs 10",
    "cnn": "--epochs 15 --batch-size 64",
    "fast": "",
}
REPORTED = {
    "ann": "R0 0.527; R1 0.49",
    "cnn-basic": "R0 0.702",
    "cnn": "R4 0.85 (stopped early on the fold that it reports)",
    "fast": "R2 0.86 (validation)",
}


def main() -> None:
    """Run what is missing, and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--models", nargs="+", default=list(RUNS), choices=RUNS)
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args()
    rows = []
    for model in options.models:
        folder = options.results / f"{model}-{options.dataset}"
        words = ["--model", model, *shlex.split(RUNS[model]), "--dataset", options.dataset]
        words += ["--limit", str(options.limit)] if options.limit else []
        words += ["--folds", "5", "--test-split", "--save-models", "--resume"]
        words += ["--results", str(options.results), "--run", folder.name]
        print(f"python -m cifar_sk.cv {shlex.join(words)}", file=sys.stderr)
        try:
            cross_validate(words)
        except SystemExit as end:
            if end.code:
                raise
        rows.append({"model": model, "options": RUNS[model], **summarise(folder)})
    table = pd.DataFrame(rows).assign(reported=[REPORTED[row["model"]] for row in rows])
    print(table.round(4).to_string(index=False))
    if set(options.models) == set(RUNS):
        table.to_csv(options.results / "summary.csv", index=False)


def summarise(folder: Path) -> dict[str, object]:
    """Return a run's mean, spread and interval, its cost, and what it came from."""
    metrics = pd.read_csv(folder / "fold_metrics.csv", index_col="row")
    manifest = read_manifest(folder)
    accuracy, test = metrics["accuracy"], metrics["test_split_accuracy"]
    folds = metrics.index.str.startswith("fold")
    return {
        "accuracy": accuracy["mean"],
        "std": accuracy["std"],
        "ci95_low": accuracy["ci95_low"],
        "ci95_high": accuracy["ci95_high"],
        "test_split_accuracy": test["mean"],
        "test_split_std": test["std"],
        "macro_f1": metrics.loc["mean", "f1_macro"],
        "n_folds": int(folds.sum()),
        "fit_s_per_fold": manifest.timings["fit_time"] / folds.sum(),
        "dataset": manifest.data.name,
        "n_samples": manifest.data.n_samples,
        "seed": manifest.seed,
        "keras": manifest.versions["keras"],
    }


if __name__ == "__main__":
    main()
