"""Whether a map depends on what the network has learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from scipy.stats import spearmanr

from cifar_sk.backend.operations import seeded
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.networks import ImageNetwork

__all__ = ["randomisation_check"]


def randomisation_check(
    method: Callable[..., np.ndarray],
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    random_state: int = 0,
) -> np.ndarray:
    """Compare each image's map with that of the same network before training [1]_.

    Parameters
    ----------
    method : callable
        `saliency` or another one of its signature, ``method(classifier, images, classes)``.
    classifier, images, classes
        As for `saliency`; both maps are of the same class.
    random_state : int, default=0
        Seed of the new weights.

    Returns
    -------
    ndarray of float64, shape (n,)
        Spearman's rank correlation of the absolute values of the two maps, −1 to 1; NaN where a
        map is the same everywhere. Near 1, the map is one of the image and of the architecture,
        and explains nothing that was learnt.

    Notes
    -----
    All weights are drawn anew at once. Test-time augmentation has no part in it.

    References
    ----------
    .. [1] J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt and B. Kim, "Sanity checks
       for saliency maps", NeurIPS 2018. :doi:`10.48550/arXiv.1810.03292`
    """
    network = ImageNetwork(classifier)
    x = network.prepare(images)
    columns = network.columns(classes, x)
    # The bare model of a classifier takes pixels as floats.
    pixels = network.unscale(x).astype(np.float32)
    with seeded(random_state):
        untrained = keras.models.clone_model(network.model)
    trained, random = (
        np.abs(method(model, pixels, columns)).reshape(len(x), -1)
        for model in (network.model, untrained)
    )
    return np.array([_rank_correlation(*pair) for pair in zip(trained, random, strict=True)])


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)
