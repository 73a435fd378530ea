"""Whether what is begun in a run's folder is the run that is there, or that run and more folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import Split, split_fingerprint
from cifar_sk.runs.files import differences
from cifar_sk.runs.manifest import Manifest, SplitRecord
from cifar_sk.runs.manifest_file import ManifestFile, Stage
from cifar_sk.runs.own_files import GROUPS

__all__ = ["check_is_same", "continued"]


def continued(
    path: Path, old: Mapping[str, Any], said: ManifestFile, new: Manifest, splits: Sequence[Split]
) -> Manifest:
    """Return the manifest of a run that goes on, `old` and `said` in its file; or refuse it."""
    before, identity, stages = Manifest.of_file(said), dict(old["identity"]), [*said.stages]
    if _begins_with(before.split, splits):
        identity["split"] = new.split.identity()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        counts = {"n_repeats": before.split.n_repeats, "n_seeds": before.split.n_seeds}
        stages.append(Stage(**counts, digest=before.digest, extended=now))
    else:
        _check_grows(path, before, new)
    check_is_same(path, identity, new.identity())
    if GROUPS in before.files and before.files[GROUPS] != new.files.get(GROUPS):
        raise InputError(  # older versions kept none
            f"{path} cannot be resumed with other groups than it has; give the same --groups, "
            "or name another with --run."
        )
    return replace(new, stages=tuple(stages))


def check_is_same(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse another run than the one that is there, and say what differs."""
    changed = differences(old, new)
    if changed:
        raise InputError(
            f"{path} cannot be resumed as another run: {'; '.join(changed)}; "
            f"name another with --run, or replace it with --overwrite."
        )


def _begins_with(old: SplitRecord, splits: Sequence[Split]) -> bool:
    """Tell whether folds are those of before and more."""
    n_old = old.n_expected
    return n_old < len(splits) and split_fingerprint(splits[:n_old]) == old.fingerprint


def _check_grows(path: Path, before: Manifest, new: Manifest) -> None:
    """Refuse numbers of repeats and seeds that leave folds out, where nothing else differs."""
    old, wanted = before.split, new.split
    if replace(new, split=old).identity() != before.identity() or old.n_folds != wanted.n_folds:
        return
    same_seeds = wanted.n_seeds == old.n_seeds or (
        old.n_repeats == 1 and wanted.n_seeds > old.n_seeds
    )
    if wanted.n_repeats < old.n_repeats or not same_seeds:
        raise InputError(
            f"{path} has {old.words} and cannot be resumed with {wanted.words}: repeats can be "
            "added to any run, seeds to a run of one repeat, and neither can be taken away; give "
            "the numbers that it has or more, or name another with --run."
        )
