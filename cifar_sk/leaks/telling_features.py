"""Rules of single features that tell the label: a pixel, a stamp, a code, a row number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.ndimage import binary_dilation, label

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.subject import Subject

__all__ = ["label_in_features", "order_in_features", "skills_of"]

_MOST_SAMPLES = 600
_N_BINS = 12
_REMEDY = "look where it comes from, and take away what is not known when an image is predicted"
_SHARP = 0.4  # beside a stamp no pixel tells even so much of what the stamp tells
_TELLING = 0.5


@leak_rule("label_in_features", in_runs=True)
def label_in_features(subject: Subject) -> Iterator[Leak]:
    """Find a pixel, a stamp or a column that tells the label by itself."""
    rows = subject.rows
    if rows is None or len(rows) < 20 or subject.n_classes < 2:
        return
    part = subject.sample(_MOST_SAMPLES)
    columns, codes = rows[part], subject.codes[part]
    varying = np.flatnonzero(np.ptp(columns, axis=0) > 0)
    skills = np.zeros(rows.shape[1])
    skills[varying] = skills_of(columns[:, varying], codes)
    for column in np.argsort(-skills)[:5]:
        if skills[column] > 0.8 and _is_a_code(columns[:, column], codes):
            yield Leak(
                f"column {column} is a code of the label: its values tell {skills[column]:.0%} of "
                f"what chance does not",
                _REMEDY,
                {"column": int(column), "skill": float(skills[column])},
            )
            return
    best = int(skills.argmax())
    if subject.image_shape is not None:
        yield from _stamps(skills.reshape(subject.image_shape).max(axis=2))
    elif subject.n_classes > 2 and skills[best] >= 0.98:
        yield Leak(
            f"column {best} by itself tells {subject.n_classes} classes apart "
            f"({skills[best]:.0%} of what chance does not tell)",
            _REMEDY,
            {"column": best, "skill": float(skills[best])},
        )


def skills_of(columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Score a rule of each feature on samples that it was not made of: 0 is chance, 1 is all.

    The rule is the most frequent class in parts of about equal size.
    """
    n_classes = int(codes.max()) + 1
    n_bins = max(_N_BINS, 2 * n_classes)
    edges = np.quantile(columns, np.linspace(0, 1, n_bins + 1)[1:-1], axis=0)
    places = sum((columns >= edge).astype(np.int16) for edge in edges)
    in_half = np.random.default_rng(0).permutation(len(codes)) % 2 == 0
    is_class = np.eye(n_classes, dtype=np.float32)[codes]
    hits = np.zeros(columns.shape[1])
    for scored in (in_half, ~in_half):
        for number in range(n_bins):
            inside = (places == number).astype(np.float32)
            made = inside[~scored].T @ is_class[~scored]
            found = inside[scored].T @ is_class[scored]
            hits += np.take_along_axis(found, made.argmax(axis=1)[:, None], axis=1)[:, 0]
    chance = np.bincount(codes).max() / len(codes)
    return (hits / len(codes) - chance) / (1 - chance)


def _is_a_code(column: np.ndarray, codes: np.ndarray) -> bool:
    """Tell whether a feature's values are one per class, or lie tightly around one per class."""
    parts = [column[codes == code].astype(np.float64) for code in range(int(codes.max()) + 1)]
    levels = np.unique(column)
    if len(levels) == len(parts):
        return len({part[0] for part in parts}) == len(parts) and all(
            np.ptp(part) == 0 for part in parts
        )
    parts = sorted(parts, key=np.median)
    gaps = [high.min() - low.max() for low, high in pairwise(parts)]
    return min(gaps) > 6 * max(part.std() for part in parts)


def _stamps(skills: np.ndarray) -> Iterator[Leak]:
    """Find places that tell the label where nothing beside them does, as no object looks."""
    highest = float(skills.max())
    if highest < _TELLING:
        return
    regions, n_regions = label(skills >= 0.6 * highest)
    for number in range(1, n_regions + 1):
        region = regions == number
        ring = binary_dilation(region, np.ones((3, 3), dtype=bool)) & ~region
        if not ring.any() or skills[region].max() < _TELLING:
            continue
        if skills[ring].max() <= _SHARP * skills[region].max():
            row, column = (int(place) for place in np.argwhere(region)[0])
            yield Leak(
                f"{region.sum()} pixels around row {row}, column {column} tell "
                f"{skills[region].max():.0%} of the label that chance does not tell, and the "
                f"pixels beside them nearly nothing, as a stamp or a border does",
                _REMEDY,
                {"row": row, "column": column, "pixels": int(region.sum()), "skill": highest},
            )
            return


@leak_rule("order_in_features", in_runs=True)
def order_in_features(subject: Subject) -> Iterator[Leak]:
    """Find a column that counts samples, such as a row number or a time, and tells the label."""
    rows = subject.rows
    if rows is None or rows.dtype == np.uint8 or not len(rows) >= 30 or rows.shape[1] > 5_000:
        return
    for column, values in enumerate(rows.T):
        if len(np.unique(values[:200])) < len(values[:200]):
            continue
        order = np.argsort(values, kind="stable")
        steps = np.diff(values[order])
        if steps.size == 0 or not (steps > 0).all():
            continue
        is_in_order = np.array_equal(order, np.arange(len(rows)))
        is_in_reverse = np.array_equal(order, np.arange(len(rows))[::-1])
        is_count = np.ptp(steps) < 1e-6 * steps.mean()
        if is_in_order or is_in_reverse or is_count:
            same = subject.codes[order][1:] == subject.codes[order][:-1]
            shares = np.bincount(subject.codes) / len(rows)
            chance = float((shares**2).sum())
            if same.mean() > chance + 6 * np.sqrt(chance * (1 - chance) / len(rows)):
                yield Leak(
                    f"column {column} numbers the samples, and neighbours in it have the same "
                    f"label ({same.mean():.0%}, by chance {chance:.0%})",
                    "drop the column; it tells the order of a file, and not what is in it",
                    {"column": column, "same_label": float(same.mean()), "chance": chance},
                )
                return
