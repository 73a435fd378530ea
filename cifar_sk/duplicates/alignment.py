"""How alike two images are once they are laid on each other: correlation of fine detail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cifar_sk.duplicates.candidates import Candidates
from cifar_sk.duplicates.working_images import SIZE

__all__ = ["align"]

_REACH = 2  # pixels, the largest shift
_BLUR = 5  # pixels, the side of the box whose mean is taken from every pixel
_EDGE = _REACH + _BLUR // 2  # what a border of the width of the reach can touch
_INNER = SIZE - 2 * _EDGE
_BATCH = 256  # pairs at a time, so that they stay in the processor's cache
_WORK = 16_384  # pairs of a thread's piece of work
_FAINT = 1.0  # grey levels: detail fainter than that is noise
_CROPS = (1, 2, 3)  # pixels at each side, cut away before an image was resized to what it was
_CAUTION = 3.0  # standard errors by which a correlation is lowered


def _blurring() -> np.ndarray:
    """Return the matrix of a box mean along one axis; the box is smaller at the ends."""
    distance = np.abs(np.subtract.outer(np.arange(SIZE), np.arange(SIZE)))
    box = (distance <= _BLUR // 2).astype(np.float32)
    return box / box.sum(axis=1, keepdims=True)


def _zooming(crop: int) -> np.ndarray:
    """Return the matrix that crops and resizes to what it was, bilinear, along one axis."""
    at = crop + (np.arange(SIZE) + 0.5) * (SIZE - 2 * crop) / SIZE - 0.5
    low = np.floor(at).astype(int)
    matrix = np.zeros((SIZE, SIZE), dtype=np.float32)
    matrix[np.arange(SIZE), low] = 1 - (at - low)
    matrix[np.arange(SIZE), low + 1] += at - low
    return matrix


_BLUR_MATRIX = _blurring()
_ZOOM_MATRICES = [_zooming(crop) for crop in _CROPS]
_ZOOMS = np.array([SIZE / (SIZE - 2 * crop) for crop in _CROPS])
_ZOOMS = np.concatenate([[1.0], _ZOOMS, 1 / _ZOOMS])
_WINDOWS = np.stack(
    [(np.arange(SIZE) >= k) & (np.arange(SIZE) < k + _INNER) for k in range(2 * _EDGE + 1)]
)[_EDGE - _REACH : _EDGE + _REACH + 1].astype(np.float32)


def align(
    grey: np.ndarray, candidates: Candidates, threshold: float, n_jobs: int
) -> Iterator[tuple[float, pd.DataFrame]]:
    """Yield the pairs at least as similar as `threshold`, and which share was compared.

    Each table has the columns ``first``, ``second``, ``similarity``, ``flip``, ``shift_down``,
    ``shift_right`` (pixels of the 32 that a working image has) and ``zoom``.
    """
    n = len(candidates.first)
    starts = range(0, max(n, 1), _WORK)  # no candidates give an empty table of the same form

    def compare(start: int) -> pd.DataFrame:
        batches = range(start, max(min(start + _WORK, n), start + 1), _BATCH)
        return pd.concat([_batch(grey, candidates, k, threshold) for k in batches])

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_jobs) as threads:
        try:
            for start, table in zip(starts, threads.map(compare, starts), strict=True):
                yield min(1.0, (start + _WORK) / max(n, 1)), table
        finally:
            threads.shutdown(cancel_futures=True)


def _batch(grey: np.ndarray, candidates: Candidates, start: int, threshold: float) -> pd.DataFrame:
    part = slice(start, start + _BATCH)
    first, second, flip = candidates.first[part], candidates.second[part], candidates.flip[part]
    a, b = grey[first], grey[second]
    a[flip] = a[flip][:, :, ::-1]
    similarity, shift, zoom = _similarity(a.astype(np.float32), b.astype(np.float32))
    table = {
        "first": first,
        "second": second,
        "similarity": similarity,
        "flip": flip,
        "shift_down": shift // (2 * _REACH + 1) - _REACH,
        "shift_right": shift % (2 * _REACH + 1) - _REACH,
        "zoom": zoom,
    }
    return pd.DataFrame(table)[similarity >= threshold]


def _similarity(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the highest similarity over shifts and zooms, which shift, and which zoom."""
    fine_a, fine_b = _detail(a), _detail(b)
    found = [_correlations(fine_a, fine_b)]
    found += [_correlations(_detail(z @ a @ z.T), fine_b) for z in _ZOOM_MATRICES]
    found += [_correlations(fine_a, _detail(z @ b @ z.T)) for z in _ZOOM_MATRICES]
    correlations = np.stack(found)
    zoom = correlations.max(axis=2).argmax(axis=0)
    chosen = correlations[zoom, np.arange(len(a))]
    n_pixels = np.minimum(_effective_pixels(fine_a), _effective_pixels(fine_b))
    certain = np.arctanh(np.minimum(chosen.max(axis=1), 0.999999)) - _CAUTION / np.sqrt(n_pixels)
    return np.tanh(certain), chosen.argmax(axis=1), _ZOOMS[zoom]


def _effective_pixels(detail: np.ndarray) -> np.ndarray:
    """Return over how many pixels the detail of each image is spread (participation ratio)."""
    power = detail[:, _EDGE:-_EDGE, _EDGE:-_EDGE] ** 2
    n_pixels = power.sum(axis=(1, 2)) ** 2 / np.maximum((power**2).sum(axis=(1, 2)), 1)
    return np.maximum(n_pixels, 1)


def _detail(images: np.ndarray) -> np.ndarray:
    return images - _BLUR_MATRIX @ images @ _BLUR_MATRIX.T


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlate the centre of each `a` with the windows of its `b`: (n, 25)."""
    centre = np.ascontiguousarray(a[:, _EDGE:-_EDGE, _EDGE:-_EDGE])
    faint = _INNER**2 * _FAINT**2
    power_a = np.einsum("nij,nij->n", centre, centre) + faint
    power_b = (_WINDOWS @ (b * b) @ _WINDOWS.T).reshape(len(b), len(_WINDOWS) ** 2) + faint
    products = np.empty_like(power_b)
    begins = range(_EDGE - _REACH, _EDGE + _REACH + 1)
    for k, (top, left) in enumerate(product(begins, begins)):
        window = b[:, top : top + _INNER, left : left + _INNER]
        products[:, k] = np.einsum("nij,nij->n", centre, window)
    return products / np.sqrt(power_a[:, np.newaxis] * power_b)
