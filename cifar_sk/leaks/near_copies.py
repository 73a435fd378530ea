"""Rules of copies that are no exact ones: mirrored, turned, shifted or with a little noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.neighbours import dimension, scaled_rows, training_distances
from cifar_sk.leaks.subject import Subject, hash_rows

__all__ = ["near_copies", "transformed_copies"]

_LEAST_SHARE = 0.02
_MOST_BYTES = 1_000_000_000  # of all images
_GAP = 2.5  # the next sample that is no copy is so many times as far away
_BY_CHANCE = 1e-4
_AUGMENTED = "augment inside the pipeline, so that only training folds are"


@leak_rule("transformed_copies")
def transformed_copies(subject: Subject) -> Iterator[Leak]:
    """Find scored images that are mirrored, turned or shifted images of the training fold."""
    rows, shape = subject.rows, subject.image_shape
    if rows is None or shape is None or rows.nbytes > _MOST_BYTES:
        return
    images = rows.reshape(len(rows), *shape)
    shares = {}
    for name, original, changed in _views(images):
        # The middle first: where that is no copy, the whole is none.
        share = _share_in_training(subject, _middle(original), _middle(changed))
        if share >= _LEAST_SHARE:
            share = _share_in_training(subject, original, changed)
        if share >= _LEAST_SHARE:
            shares[name] = share
    if shares:
        name = max(shares, key=lambda key: shares[key])
        yield Leak(
            f"{shares[name]:.1%} of the scored images are {name} copies of images that their fold "
            f"trains on",
            _AUGMENTED,
            {"shares": shares},
        )


def _views(images: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "mirrored", images, images[:, :, ::-1]
    yield "upside-down", images, images[:, ::-1]
    if images.shape[1] == images.shape[2]:
        for turns in (1, 2, 3):
            yield "turned", images, np.rot90(images, turns, axes=(1, 2))
    if min(images.shape[1:3]) >= 8:
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)):
            height, width = images.shape[1] - down, images.shape[2] - abs(right)
            left = max(0, -right)
            original = images[:, :height, left : left + width]
            yield "shifted", original, images[:, down:, left + right : left + right + width]


def _middle(images: np.ndarray) -> np.ndarray:
    """Cut a part of at most 12 pixels out of the middle, which stays there when it is turned."""
    down, right = (max(0, (size - 11) // 2) for size in images.shape[1:3])
    return images[:, down : images.shape[1] - down, right : images.shape[2] - right]


def _share_in_training(subject: Subject, original: np.ndarray, changed: np.ndarray) -> float:
    """Count scored images that are a changed image of the training fold."""
    flat, other = (part.reshape(len(part), -1) for part in (original, changed))
    hashes, changed_hashes = hash_rows(flat), hash_rows(other)
    # An image that is its own mirror image, or a small thing on black, proves nothing.
    tells = (np.ptp(flat, axis=1) > 0) & (hashes != changed_hashes)
    is_copied = np.zeros(len(hashes), dtype=bool)
    for split in subject.first_repeat:
        train = np.setdiff1d(split.train, split.test)
        forth = np.isin(hashes[split.test], changed_hashes[train[tells[train]]])
        back = np.isin(changed_hashes[split.test], hashes[train[tells[train]]])
        is_copied[split.test] = (forth | back) & tells[split.test]
    return float(is_copied.mean())


@leak_rule("near_copies")
def near_copies(subject: Subject) -> Iterator[Leak]:
    """Find scored samples with neighbours in training that are far nearer than all others."""
    rows = scaled_rows(subject)
    n_nearest = min(20, int(np.bincount(subject.codes).min()) // 3)
    if rows is None or n_nearest < 4:
        return
    distances = training_distances(subject, rows, n_nearest)
    # Exact copies are another finding; by rounding, their distance need not be 0.
    distances = distances[(distances > 1e-4 * np.median(distances)).all(axis=1)]
    if len(distances) < 10:
        return
    # Where neighbours are spread evenly in D dimensions, the k nearest all lie within 1/g of the
    # distance of the next with the probability g ** (-D k).
    gaps = distances[:, 1:] / distances[:, :-1]
    exponents = dimension(distances) * np.arange(1, n_nearest)
    by_chance = n_nearest * gaps**-exponents
    is_copied = ((gaps > _GAP) & (by_chance < _BY_CHANCE)).any(axis=1)
    if is_copied.mean() >= 2 * _LEAST_SHARE and is_copied.sum() >= 3:
        yield Leak(
            f"{is_copied.mean():.1%} of the scored samples have nearly equal ones in training, "
            f"{np.median(gaps.max(axis=1)[is_copied]):.1f} times as near as the next",
            f"give groups, as of films, persons or originals, or {_AUGMENTED}",
            {"share": float(is_copied.mean()), "samples": len(distances)},
        )
