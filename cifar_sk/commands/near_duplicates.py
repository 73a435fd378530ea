"""The search for near-duplicates as commands run it, and what they print and write of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import typer

from cifar_sk.backend.hardware import cpu_count
from cifar_sk.commands.share_progress import ShareProgress
from cifar_sk.duplicates.handling import Handled, drop_duplicates, group_duplicates
from cifar_sk.duplicates.near import THRESHOLD, find_near_duplicates
from cifar_sk.duplicates.splits import SplitDuplicates, find_in_splits
from cifar_sk.runs.files import csv_bytes

if TYPE_CHECKING:
    from sklearn.utils import Bunch

__all__ = ["duplicate_files", "duplicates_text", "handle_duplicates", "search_duplicates"]


def search_duplicates(
    bunch: Bunch, *, threshold: float | None = None, jobs: int | None = None, quiet: bool = False
) -> SplitDuplicates:
    """Find near-duplicates with the time remaining on the terminal."""
    with ShareProgress("near-duplicates", quiet=quiet) as progress:
        return find_in_splits(
            bunch,
            threshold=THRESHOLD if threshold is None else threshold,
            n_jobs=jobs or cpu_count(),
            progress=progress,
        )


def handle_duplicates(
    bunch: Bunch, groups: np.ndarray | None, handling: str, *, quiet: bool
) -> Handled:
    """Keep, group or drop the near-duplicates of a training part, and say what was done."""
    if handling == "keep":
        return Handled(bunch, groups)
    with ShareProgress("near-duplicates", quiet=quiet) as progress:
        found = find_near_duplicates(bunch.images, n_jobs=cpu_count(), progress=progress)
    handle = group_duplicates if handling == "group" else drop_duplicates
    handled = handle(bunch, groups, found)
    if not quiet:
        typer.echo(handled.note, err=True)
    return handled


def duplicates_text(found: SplitDuplicates) -> str:
    """Say how many pairs and groups there are, and how many test images have a copy."""
    sizes = np.bincount(found.groups)
    n_groups, n_images = (sizes > 1).sum(), sizes[sizes > 1].sum()
    lines = ["", found.counts.to_string(index=False)]
    if found.n_test:
        lines.append(
            f"{found.n_matched:,} of {found.n_test:,} test images "
            f"({found.n_matched / found.n_test:.1%}) have a copy in the training part, "
            f"{found.n_conflicts:,} of them with another label"
        )
    lines.append(
        f"{n_images:,} of {len(found.groups):,} training images are in {n_groups:,} groups of "
        f"copies, the largest of {sizes.max():,}"
    )
    if found.found.n_cut:
        lines.append(
            f"{found.found.n_cut:,} pairs are cut, because their group would be too large"
        )
    return "\n".join([*lines, ""])


def duplicate_files(found: SplitDuplicates, bunch: Bunch, seed: int) -> dict[str, bytes]:
    """Return the pairs, the groups and, if there are pairs, a picture of some, by file name."""
    from cifar_sk.displays.duplicate_pairs import DuplicatePairsDisplay

    groups = pd.DataFrame({"sample": np.arange(len(found.groups)), "group": found.groups})
    files = {"near_duplicates.csv": csv_bytes(found.pairs), "groups.csv": csv_bytes(groups)}
    if len(found.pairs):
        display = DuplicatePairsDisplay.at_random(found.pairs, bunch, random_state=seed).plot()
        buffer = io.BytesIO()
        display.figure_.savefig(buffer, format="png", dpi=120)
        files["near_duplicates.png"] = buffer.getvalue()
    return files
