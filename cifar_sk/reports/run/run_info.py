"""What a run's page says about the run, from what its manifest holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import row_name

__all__ = ["run_info"]


def run_info(manifest: Mapping[str, Any], result: OOFResult) -> dict[str, Any]:
    """Choose from a manifest what readers of the page should know.

    Parameters
    ----------
    manifest : mapping
        What ``run.json`` holds; that of a run made by hand may say less than one of
        ``python -m cifar_sk.cv``.
    result : OOFResult
        The run's predictions.

    Returns
    -------
    dict
        As `cifar_sk.write_report` takes it.
    """
    identity = manifest["identity"]
    data, split = identity.get("data", {}), identity["split"]
    found = {
        "title": manifest.get("title"),
        "fallback": manifest.get("fallback"),
        "data set": f"{data['name']}, {data['n_samples']:,} images" if data else None,
        "data source": manifest.get("data_source"),
        "data fingerprint": data.get("fingerprint"),
        "split": f"{split['n_repeats']} × {split['n_folds']} folds",
        "split fingerprint": split.get("fingerprint"),
        "seed": identity.get("seed"),
        "command": manifest.get("command"),
        "versions": manifest.get("versions"),
        "machine": manifest.get("machine"),
        "selected parameters": manifest.get("selected"),
    }
    info = {name: value for name, value in found.items() if value is not None}
    searched = [fold for fold in result.scored if fold.best_params is not None]
    if searched:
        won = {row_name(fold): fold.best_params for fold in searched}
        info["parameters that won in each fold"] = won
    return info
