"""What a run's page says about the run, from what its manifest holds."""

from __future__ import annotations

from typing import Any

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import row_name
from cifar_sk.runs.manifest import Manifest

__all__ = ["run_info"]


def run_info(manifest: Manifest, result: OOFResult) -> dict[str, Any]:
    """Choose from a manifest what readers of the page should know."""
    data, split = manifest.data, manifest.split
    found = {
        "title": manifest.title,
        "fallback": data.fallback,
        "data set": f"{data.name}, {data.n_samples:,} images" if data.fingerprint else None,
        "data source": data.source,
        "data fingerprint": data.fingerprint,
        "split": split.words,
        "groups": manifest.n_groups,
        "split fingerprint": split.fingerprint,
        "near-duplicates": manifest.notes.get("near-duplicates"),
        "seed": manifest.seed,
        "command": manifest.command,
        "versions": manifest.versions or None,
        "machine": manifest.machine or None,
        "selected parameters": manifest.selected,
    }
    info = {name: value for name, value in found.items() if value is not None and value != ""}
    searched = [fold for fold in result.scored if fold.best_params is not None]
    if searched:
        won = {row_name(fold): fold.best_params for fold in searched}
        info["parameters that won in each fold"] = won
    return info
