"""Pairs of images that may be near-duplicates: neighbours in small whitened descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from cifar_sk.duplicates.working_images import SIZE

__all__ = ["Candidates", "Descriptors", "search"]

_MARGIN = 2  # pixels at each side that crops and shifts may have replaced
_BOX = 4  # pixels, the side of a box mean
_N_COMPONENTS = 48  # more are noise where an image was shifted by a pixel
_SAME = 0.98  # cosine of box means above which images teach nothing new
_LEAST_COSINE = 0.65
_MOST = 50  # candidates of an image among those behind it: work grows with n, whatever the data
_FEW = 60  # images of which all pairs are compared: too few to learn what is common to images
_ROWS, _COLUMNS = 512, 4096  # of a block of the matrix of cosines, 8 MB
_MOST_HITS = 2_000_000  # kept before the best are chosen, for all images may be alike
_CHUNK = 4_000  # images described at a time
_LEARNED_FROM = 4_000  # images at most
# Windows of the first image against the central one of the second: no shift up to two pixels in
# each direction is further than one pixel from the nearest.
_OFFSETS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True)
class Candidates:
    """Pairs of positions, first < second, and whether the first is mirrored; arrays (m,)."""

    first: np.ndarray
    second: np.ndarray
    flip: np.ndarray


class Descriptors:
    """Whitened box means of the images' centres, unit vectors of float32.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 32, 32, c)
        Working images.
    """

    def __init__(self, images: np.ndarray) -> None:
        self.n_images = len(images)
        self._whitening = _whitening(images[:: -(-len(images) // _LEARNED_FROM)])
        self.central = self._describe(images, 0, 0)
        mirrored = images[:, :, ::-1]
        self.shifted = [
            [self._describe(views, down, right) for down, right in _OFFSETS]
            for views in (images, mirrored)
        ]

    def _describe(self, images: np.ndarray, down: int, right: int) -> np.ndarray:
        result = np.empty((len(images), self._whitening.shape[1]), dtype=np.float32)
        for start in range(0, len(images), _CHUNK):
            boxes = _boxes(images[start : start + _CHUNK], down, right)
            result[start : start + _CHUNK] = boxes @ self._whitening
        # An image of one colour has nothing to be recognised by, and is like no other.
        length = np.linalg.norm(result, axis=1, keepdims=True)
        return np.divide(result, length, out=np.zeros_like(result), where=length > 1e-3)


def _boxes(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the mean-free box means of the centre, moved by so many pixels, (n, 49 c)."""
    n, _, _, n_channels = images.shape
    first, last = _MARGIN, SIZE - _MARGIN
    window = images[:, first + down : last + down, first + right : last + right]
    n_boxes = (last - first) // _BOX
    cells = window.reshape(n, n_boxes, _BOX, n_boxes, _BOX, n_channels)
    means = cells.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)
    return means - means.mean(axis=1, keepdims=True)


def _whitening(images: np.ndarray) -> np.ndarray:
    """Return the matrix that gives the main components of box means variance 1, float32."""
    boxes = _boxes(images, 0, 0).astype(np.float64)
    # Where most images are copies of a few, as frames of a film are, what tells the copies apart
    # must not be taken for what tells images apart; nor where there are few images.
    unit = boxes / np.maximum(np.linalg.norm(boxes, axis=1, keepdims=True), 1e-9)
    boxes = boxes[~np.tril(unit @ unit.T > _SAME, -1).any(axis=1)]
    n_kept = min(_N_COMPONENTS, max(1, len(boxes) // 4))
    values, vectors = np.linalg.eigh(boxes.T @ boxes / len(boxes))
    values, vectors = values[::-1][:n_kept], vectors[:, ::-1][:, :n_kept]
    values = np.maximum(values, max(1e-4 * values[0], 1e-6))
    return (vectors / np.sqrt(values)).astype(np.float32)


def search(images: np.ndarray, n_jobs: int) -> Iterator[tuple[float, Candidates]]:
    """Yield candidates among working images, and which share of the search is done.

    What is found does not depend on `n_jobs`, the number of threads.
    """
    n = len(images)
    if n <= _FEW:
        first, second = np.triu_indices(n, 1)
        for flip in (False, True):
            yield 1.0, Candidates(first, second, np.full(len(first), flip))
        return
    described = Descriptors(images)
    starts = range(0, n, _ROWS)
    # Each thread multiplies alone: sums of floats depend on the number of threads of a product.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_jobs) as threads:
        try:
            blocks = threads.map(lambda start: _search_rows(described, start), starts)
            for start, found in zip(starts, blocks, strict=True):
                left = max(0, n - start - _ROWS)
                yield 1 - left * left / (n * n), found
        finally:
            threads.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Hits:
    """Candidates with their cosines, arrays (m,)."""

    first: np.ndarray
    second: np.ndarray
    flip: np.ndarray
    cosine: np.ndarray


def _search_rows(described: Descriptors, start: int) -> Candidates:
    """Return the candidates of a block of first images among the images behind them."""
    cosines = np.empty(_ROWS * _COLUMNS, dtype=np.float32)
    is_close = np.empty(_ROWS * _COLUMNS, dtype=bool)
    hits: list[_Hits] = []
    for column in range(start, described.n_images, _COLUMNS):
        central = described.central[column : column + _COLUMNS]
        for flip, windows in enumerate(described.shifted):
            for window in windows:
                rows = window[start : start + _ROWS]
                shape, size = (len(rows), len(central)), len(rows) * len(central)
                values = np.matmul(rows, central.T, out=cosines[:size].reshape(shape))
                np.greater(values.ravel(), _LEAST_COSINE, out=is_close[:size])
                at = np.flatnonzero(is_close[:size])
                row, other = np.divmod(at, len(central))
                flips = np.full(len(at), bool(flip))
                hits.append(_Hits(row + start, other + column, flips, cosines[at]))
                if sum(len(found.first) for found in hits) > _MOST_HITS:
                    hits = [_best(hits)]
    best = _best(hits)
    return Candidates(best.first, best.second, best.flip)


def _best(hits: list[_Hits]) -> _Hits:
    """Join the hits of all windows, and keep the most alike of every first image."""
    names = ("first", "second", "flip", "cosine")
    first, second, flip, cosine = (np.concatenate([getattr(h, n) for h in hits]) for n in names)
    order = np.lexsort((-cosine, flip, second, first))
    order = order[(second > first)[order]]
    keys = np.stack([first[order], second[order], flip[order]])
    order = order[np.r_[True, (np.diff(keys) != 0).any(axis=0)][: len(order)]]
    order = order[np.lexsort((second[order], -cosine[order], first[order]))]
    rank = np.arange(len(order)) - np.searchsorted(first[order], first[order])
    order = order[rank < _MOST]
    return _Hits(first[order], second[order], flip[order], cosine[order])
