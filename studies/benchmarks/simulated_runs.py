r"""Cross-validated runs whose truth is known, drawn image by image.

Each image has a chance to be classified rightly, :math:`p = \Phi(d)` of a normal difficulty
:math:`d`. A fit is right about it with chance :math:`p + \delta p (1 - p) / E[p (1 - p)]`, where
:math:`\delta` is how far the fit's accuracy lies from the expected one: noise of its seed, which
every fit draws anew, and noise of its training set, which the seeds of a fold share. So the
expected score of the procedure is exactly :math:`E[p]`, plus the difference that is asked for.

Two fits of one procedure disagree about every sixth image, as networks do that are right about
four of five. Images of a group have difficulties with a correlation of 0.95.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from cifar_sk.statistics import Spread, Variances

ACCURACY = 0.8
DIFFICULTY_VARIANCE = 3.0
WITHIN_GROUP = 0.95
GROUP_SIZES = {"none": (1,), "equal": (5,), "unequal": (1, 2, 5, 12, 30)}
VARYING = ("mean", "image_mean", "image_repeat", "image_pass", "ms_folds", "ms_seeds")
CELLS = 200_000  # images of the repetitions that are drawn at once

_CENTRE = float(ndtri(ACCURACY) * np.sqrt(1 + DIFFICULTY_VARIANCE))
_STEPS = np.float32(2**16)
_LATENT = DIFFICULTY_VARIANCE / (1 + DIFFICULTY_VARIANCE)


def both_right(correlation: float) -> float:
    """Chance that two latent variables of this correlation both lie on the right side."""
    limit = np.full(2, ndtri(ACCURACY))
    return float(multivariate_normal.cdf(limit, cov=[[1, correlation], [correlation, 1]]))


def _covariance(correlation: float) -> float:
    return both_right(correlation) - ACCURACY**2


DISAGREE = ACCURACY - both_right(_LATENT)  # E[p (1 - p)]


@dataclass(frozen=True)
class World:
    """What is drawn.

    Attributes
    ----------
    n_images, n_folds : int
        Of a run.
    groups : str
        "none", "equal" (of 5 images) or "unequal" (1 to 30).
    seed_noise, training_noise : float
        Standard deviations of a fit's expected accuracy.
    difference : float
        By how much the second run's expected score is higher.
    agreement : float
        Correlation of an image's difficulties for the two runs.
    """

    n_images: int
    n_folds: int = 5
    groups: str = "none"
    seed_noise: float = 0.0
    training_noise: float = 0.0
    difference: float = 0.0
    agreement: float = 1.0

    @property
    def sizes(self) -> np.ndarray:
        """Images of each group; the last is cut to the number of images."""
        kinds = np.array(GROUP_SIZES[self.groups])
        sizes = np.tile(kinds, self.n_images // kinds.sum() + 1)
        sizes = sizes[: np.searchsorted(np.cumsum(sizes), self.n_images) + 1]
        sizes[-1] -= sizes.sum() - self.n_images
        return sizes

    @property
    def variance_of_pass(self) -> float:
        """Variance of the mean score of one pass, with folds of equal size."""
        within = _covariance(_LATENT * WITHIN_GROUP)
        return self._of_images(ACCURACY * (1 - ACCURACY), within) + self._of_fits

    @property
    def of_difference(self) -> Variances:
        """What the difference of two fits varies with, as `cifar_sk.statistics.plan` takes it."""
        shared = _LATENT * self.agreement
        image = 2 * (ACCURACY * (1 - ACCURACY) - _covariance(shared))
        within = 2 * (_covariance(_LATENT * WITHIN_GROUP) - _covariance(shared * WITHIN_GROUP))
        n_clusters = len(self.sizes)
        return Variances(
            image=self._of_images(image, within) * n_clusters,
            image_noise=self._of_images(2 * DISAGREE, 0) * n_clusters,
            training=2 * self.training_noise**2,
            seed=2 * self.seed_noise**2,
            n_clusters=n_clusters,
        )

    @property
    def _of_fits(self) -> float:
        return (self.seed_noise**2 + self.training_noise**2) / self.n_folds

    def _of_images(self, variance: float, covariance: float) -> float:
        """Variance of a mean over images, with a covariance between those of a group."""
        pairs = (self.sizes * (self.sizes - 1)).sum()
        return float((self.n_images * variance + pairs * covariance) / self.n_images**2)


@dataclass(frozen=True)
class Drawn:
    """Repetitions of an experiment.

    Attributes
    ----------
    scores : ndarray, shape (n_runs, n_passes, n_repetitions, n_folds)
    influences : ndarray of float32, shape (n_runs, n_passes, n_repetitions, n_images)
        What each image contributes to the mean over folds, less its share of it.
    sizes : ndarray of int
        Images of each group; those of one lie side by side.
    only : ndarray of int, shape (n_repetitions, 2)
        Images that only the first or only the second run has right in the first pass.
    """

    scores: np.ndarray
    influences: np.ndarray
    sizes: np.ndarray
    only: np.ndarray

    def clustered(self, influences: np.ndarray) -> np.ndarray:
        """Sum influences (..., n_images) over groups."""
        if len(self.sizes) == influences.shape[-1]:
            return influences
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        return np.add.reduceat(influences, starts, axis=-1)

    def variance(self, by_group: np.ndarray) -> np.ndarray:
        """`cifar_sk.statistics.image_variance` over the last axis, without copies if it can."""
        n = len(self.sizes)
        if np.ptp(self.sizes):
            by_group = by_group / (1 - self.sizes / self.sizes.sum()).astype(np.float32)
            factor = (n - 1) / n
        else:
            factor = n / (n - 1)
        return np.einsum("...i,...i->...", by_group, by_group) * factor


def draws(
    world: World,
    passes: Sequence[tuple[int, int]],
    n_repetitions: int,
    rng: np.random.Generator,
    n_runs: int = 2,
) -> Iterator[Drawn]:
    """Draw runs on the same images, in parts; a pass is a pair (repeat, seed).

    The folds are dealt anew every 25 parts. As the images are new in each repetition, folds that
    stay the same for a while change nothing that is averaged over repetitions.
    """
    size = max(1, min(n_repetitions, CELLS // world.n_images))
    for number, start in enumerate(range(0, n_repetitions, size)):
        if number % 25 == 0:
            folds = {repeat: _folds(world, rng) for repeat in sorted({r for r, _ in passes})}
        yield _draw(world, passes, folds, min(size, n_repetitions - start), rng, n_runs)


def _draw(
    world: World,
    passes: Sequence[tuple[int, int]],
    folds: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]],
    n_repetitions: int,
    rng: np.random.Generator,
    n_runs: int,
) -> Drawn:
    k, n = world.n_folds, world.n_images
    of_runs = _images(world, n_repetitions, rng)
    scores = np.empty((n_runs, len(passes), n_repetitions, k))
    influences = np.empty((n_runs, len(passes), n_repetitions, n), dtype=np.float32)
    limit = np.empty((n_repetitions, n), dtype=np.float32)
    first = np.zeros((2, n_repetitions, n), dtype=bool)
    for run in range(n_runs):
        chance, slope = of_runs[run]
        noise = world.training_noise * rng.standard_normal((len(folds), n_repetitions, k))
        training = dict(zip(folds, noise, strict=True))
        for number, (repeat, _) in enumerate(passes):
            of_fold, means, weights = folds[repeat]
            delta = training[repeat] + world.seed_noise * rng.standard_normal((n_repetitions, k))
            delta += run * world.difference
            np.matmul(delta.astype(np.float32), of_fold, out=limit)
            limit *= slope
            limit += chance
            is_right = _uniform(limit.shape, rng) < limit
            right = is_right.astype(np.float32)
            found = right @ means
            scores[run, number] = found
            right -= found.mean(axis=1, keepdims=True)
            np.multiply(right, weights, out=influences[run, number])
            if number == 0:
                first[run] = is_right
    only = [np.count_nonzero(first[i] > first[1 - i], axis=1) for i in (0, 1)]
    return Drawn(scores, influences, world.sizes, np.column_stack(only))


def _images(
    world: World, n_repetitions: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw each image's chance to be classified rightly by each run, and how a fit moves it.

    Both are in steps of `_uniform`, whose middle is 0.
    """
    first = _difficulties(world, n_repetitions, rng)
    chances = [_chance(first)]
    if world.agreement < 1:
        first *= np.float32(world.agreement)
        own = np.float32(np.sqrt(1 - world.agreement**2))
        chances.append(_chance(first + own * _difficulties(world, n_repetitions, rng)))
    return chances if len(chances) == 2 else 2 * chances


def _chance(difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chance = ndtr(np.float32(_CENTRE) + np.float32(np.sqrt(DIFFICULTY_VARIANCE)) * difficulty)
    slope = chance * (1 - chance) / np.float32(DISAGREE)
    return chance * _STEPS - np.float32(_STEPS / 2 + 0.5), slope * _STEPS


def _difficulties(world: World, n_repetitions: int, rng: np.random.Generator) -> np.ndarray:
    """Draw standard normal difficulties, alike within groups."""
    sizes = world.sizes
    difficulty = rng.standard_normal((n_repetitions, world.n_images), dtype=np.float32)
    if sizes.max() > 1:
        shared = rng.standard_normal((n_repetitions, len(sizes)), dtype=np.float32)
        difficulty *= np.float32(np.sqrt(1 - WITHIN_GROUP))
        shared *= np.float32(np.sqrt(WITHIN_GROUP))
        difficulty += np.repeat(shared, sizes, axis=1)
    return difficulty


def _uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw uniform whole numbers of 16 bits, which takes a third of the time of floats."""
    size = -(-int(np.prod(shape)) // 4)
    drawn = rng.integers(0, 2**64 - 1, size, dtype=np.uint64, endpoint=True).view(np.int16)
    return drawn[: int(np.prod(shape))].reshape(shape)


def _folds(world: World, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deal whole groups to folds; return images of folds, weights of their means and of all."""
    sizes, pattern = world.sizes, _pattern(world.n_images, world.groups, world.n_folds)
    of_group = np.empty_like(pattern)
    for size in np.unique(sizes):
        same = np.flatnonzero(sizes == size)
        of_group[same] = rng.permutation(pattern[same])
    labels = np.repeat(of_group, sizes)
    counts = np.bincount(labels, minlength=world.n_folds)
    of_fold = (labels == np.arange(world.n_folds)[:, None]).astype(np.float32)
    means = (of_fold / counts[:, None]).T.astype(np.float32)
    weights = 1 / (world.n_folds * counts[labels])
    return of_fold, means, weights.astype(np.float32)


@lru_cache(maxsize=64)
def _pattern(n_images: int, groups: str, n_folds: int) -> np.ndarray:
    """Deal groups to folds, the largest first, each to the fold that has the fewest images."""
    sizes = World(n_images, n_folds, groups).sizes
    pattern, filled = np.empty(len(sizes), dtype=np.intp), [0] * n_folds
    for group in np.argsort(-sizes, kind="stable"):
        fold = filled.index(min(filled))
        pattern[group] = fold
        filled[fold] += int(sizes[group])
    return pattern


def spread(drawn: Drawn, run: int | None, passes: np.ndarray) -> Spread:
    """Measure a stack of runs, or of differences of the two, as `cifar_sk.statistics` does.

    Parameters
    ----------
    drawn : Drawn
    run : int or None
        0 or 1; None for the second less the first.
    passes : ndarray of int, shape (n_repeats, n_seeds)
        The passes that belong to the design.
    """
    scores, u = of_run(drawn, run, passes)
    n_repeats, n_seeds = passes.shape
    variance = image_variances(drawn, u, n_repeats, n_seeds)
    values = scores.reshape(n_repeats, n_seeds, *scores.shape[1:])
    return Spread(
        mean=values.mean(axis=(0, 1, 3)),
        n_repeats=n_repeats,
        n_seeds=n_seeds,
        n_folds=values.shape[-1],
        n_clusters=len(drawn.sizes),
        effective_clusters=effective(drawn.sizes),
        image_mean=variance[0],
        image_repeat=variance[1],
        image_pass=variance[2],
        ms_folds=values.mean(axis=1).var(axis=-1, ddof=1).mean(axis=0),
        ms_seeds=(
            values.var(axis=1, ddof=1).mean(axis=(0, -1))
            if n_seeds > 1
            else np.full(values.shape[2], np.nan)
        ),
    )


def of_run(drawn: Drawn, run: int | None, passes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and influences of the passes of one run, or of the difference."""
    wanted = passes.ravel()
    if run is None:
        return (
            drawn.scores[1, wanted] - drawn.scores[0, wanted],
            drawn.influences[1, wanted] - drawn.influences[0, wanted],
        )
    return drawn.scores[run, wanted], drawn.influences[run, wanted]


def image_variances(
    drawn: Drawn, u: np.ndarray, n_repeats: int, n_seeds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variance over images of the mean of all passes, of a repeat, and of a pass."""
    by_pass = drawn.clustered(u)
    of_pass = drawn.variance(by_pass).mean(axis=0)
    if len(u) == 1:
        return of_pass, of_pass, of_pass
    of_mean = drawn.variance(by_pass.mean(axis=0))
    if n_seeds == 1:
        return of_mean, of_pass, of_pass
    if n_repeats == 1:
        return of_mean, of_mean, of_pass
    repeats = by_pass.reshape(n_repeats, n_seeds, *by_pass.shape[1:]).mean(axis=1)
    return of_mean, drawn.variance(repeats).mean(axis=0), of_pass


def effective(sizes: np.ndarray) -> float | None:
    """As many groups of one size would be as good, as `spread_of` counts them."""
    squares = sizes.astype(float) ** 2
    return float(squares.sum() ** 2 / (squares**2).sum()) if sizes.max() > 1 else None


def joined(parts: list[Spread]) -> Spread:
    """Put stacks of spreads together."""
    first = parts[0]
    fixed = ("n_repeats", "n_seeds", "n_folds", "n_clusters", "effective_clusters")
    return Spread(
        **{name: getattr(first, name) for name in fixed},
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in VARYING},
    )
