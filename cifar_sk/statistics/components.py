r"""What the variance of a score is made of: images, training sets, seeds.

References
----------
Bouthillier, X. et al. (2021). Accounting for variance in machine learning benchmarks. MLSys.
https://doi.org/10.48550/arXiv.2103.03098

Searle, S. R., Casella, G. and McCulloch, C. E. (1992). Variance Components. Wiley.
https://doi.org/10.1002/9780470316856
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from cifar_sk.statistics.spread import Spread, image_variance

__all__ = ["shared_test_component", "variance_components"]

COLUMNS = ["source", "sd", "low", "high", "variance_of_mean", "share", "basis"]


def variance_components(spread: Spread, confidence: float = 0.95) -> pd.DataFrame:
    r"""Split the variance of a mean score into images, training sets and seeds.

    Parameters
    ----------
    spread : Spread
        Of a run, or of the difference of two.
    confidence : float, default=0.95
        Of the intervals.

    Returns
    -------
    DataFrame
        A row per source: ``source`` ("images", "training sets", "seeds"; with one seed "training
        sets and seeds", which cannot be told apart), ``sd`` (of the score of one fit, for images
        of one pass over them), its interval ``low`` and ``high``, ``variance_of_mean``, ``share``
        of it, and ``basis``, a sentence.

    Notes
    -----
    Moments of the mean squares: what a mean square holds beyond its other sources is the
    component's, 0 where it is less. The intervals invert the :math:`\chi^2` distribution of the
    mean squares with the other sources held fixed.
    """
    r, s, k = spread.n_repeats, spread.n_seeds, spread.n_folds
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    rows = [_image_row(spread, tails)]
    if s > 1:
        noise = spread.fit_noise * k  # of one fold's images
        df = r * k * (s - 1)
        rows.append(_row("seeds", spread.ms_seeds, noise, df, tails, r * s * k, _SEEDS))
        others = spread.image_repeat * k + max(spread.ms_seeds - noise, 0) / s
        name, text = "training sets", _FOLDS
    else:
        others, name, text = spread.image_repeat * k, "training sets and seeds", _BOTH
    rows.insert(1, _row(name, spread.ms_folds, others, r * (k - 1), tails, r * k, text))
    table = pd.DataFrame(rows, columns=COLUMNS)
    total = table["variance_of_mean"].sum()
    table["share"] = table["variance_of_mean"] / total if total > 0 else np.nan
    return table


_SEEDS = "spread between the seeds of a fold beyond that of its images"
_FOLDS = "spread between folds, averaged over seeds, beyond images and seeds"
_BOTH = "spread between folds beyond that of their images; one seed cannot tell the two apart"


def _image_row(spread: Spread, tails: np.ndarray) -> dict[str, object]:
    df = spread.df_images
    low, high = np.sqrt(spread.image_pass * df / chi2.ppf(tails, df))
    return {
        "source": "images",
        "sd": float(np.sqrt(spread.image_pass)),
        "low": float(low),
        "high": float(high),
        "variance_of_mean": float(spread.image_mean),
        "basis": f"out-of-fold influences of {spread.n_clusters:,} independent images or groups",
    }


def _row(
    source: str, ms: float, others: float, df: int, tails: np.ndarray, n: int, basis: str
) -> dict[str, object]:
    bounds = np.sqrt(np.maximum(ms * df / chi2.ppf(tails, df) - others, 0))
    variance = max(ms - others, 0.0)
    return {
        "source": source,
        "sd": float(np.sqrt(variance)),
        "low": float(bounds[0]),
        "high": float(bounds[1]),
        "variance_of_mean": float(variance / n),
        "basis": f"{basis} ({df} degrees of freedom)",
    }


def shared_test_component(
    scores: ArrayLike, influences: ArrayLike, confidence: float = 0.95
) -> dict[str, object]:
    """Return the spread between models on one shared test split, where images are the same.

    Parameters
    ----------
    scores : array-like of float, shape (n_fits,)
        A score of each fit on the test split.
    influences : array-like of float, shape (n_clusters, n_fits)
        What each cluster of the split contributes to it.
    confidence : float, default=0.95
        Of the interval.

    Returns
    -------
    dict
        A row as of `variance_components`, without a share: it is no part of the folds' mean.
    """
    values, u = np.asarray(scores, dtype=float), np.asarray(influences, dtype=float)
    n = len(values)
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    # What the models' errors on single images differ by is no difference between models.
    noise = float(image_variance(u - u.mean(axis=1, keepdims=True)).mean()) * n / (n - 1)
    text = "spread between all models on the shared test split beyond single images"
    row = _row("models on the test split", float(values.var(ddof=1)), noise, n - 1, tails, n, text)
    return row | {"variance_of_mean": np.nan, "share": np.nan}
