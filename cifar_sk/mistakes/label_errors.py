"""Labels that the predictions speak against: confident learning.

A sample is suspected where the model, which has not seen it, gives another class at least the
probability that it gives, on average, to the samples that bear that class's label.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.scores import check_classes

__all__ = ["class_thresholds", "confident_joint", "label_issues", "suspected_labels"]


def class_thresholds(target: ArrayLike, proba: ArrayLike) -> np.ndarray:
    """Mean probability of each class over the samples that bear its label.

    Infinity for a class without samples, which nothing is then suspected to belong to.
    """
    labels, rows = check_classes(target, proba)
    n_classes = rows.shape[1]
    own = rows[np.arange(len(rows)), labels]
    counts = np.bincount(labels, minlength=n_classes)
    totals = np.bincount(labels, own, n_classes)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.inf)


def suspected_labels(target: ArrayLike, proba: ArrayLike) -> np.ndarray:
    r"""Return the class that each sample is counted as, or -1 where none is confident.

    It is :math:`\arg\max_{j:\, p_j \ge t_j} p_j` with the :math:`t_j` of `class_thresholds`; a
    sample is suspected where this is neither -1 nor its label.
    """
    _, rows = check_classes(target, proba)
    # Means of equal probabilities may exceed them by a rounding error.
    is_confident = rows >= class_thresholds(target, rows) - 1e-12
    best = np.where(is_confident, rows, -1.0).argmax(axis=1)
    return np.where(is_confident.any(axis=1), best, -1)


def confident_joint(target: ArrayLike, proba: ArrayLike, *, calibrate: bool = False) -> np.ndarray:
    r"""Count samples by their label and by the class that they confidently look like.

    Given labels stand in rows, suspected true ones in columns. `calibrate` scales the rows to the
    number of samples with that label, and all to sum to 1: the estimated joint distribution
    :math:`\hat Q`. A label without any confident sample then counts as right.

    Northcutt, Jiang and Chuang (2021), Confident learning: estimating uncertainty in dataset
    labels, JAIR 70, 1373–1411, https://doi.org/10.1613/jair.1.12125 (equations 1 to 3)

    >>> confident_joint([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    array([[1, 1],
           [0, 1]])
    """
    labels, rows = check_classes(target, proba)
    n_classes = rows.shape[1]
    suspected = suspected_labels(labels, rows)
    is_counted = suspected >= 0
    joint = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(joint, (labels[is_counted], suspected[is_counted]), 1)
    if not calibrate:
        return joint
    joint[np.diag_indices(n_classes)] += joint.sum(axis=1) == 0
    counts = np.bincount(labels, minlength=n_classes)[:, None]
    return joint / joint.sum(axis=1, keepdims=True) * counts / len(labels)


def label_issues(result: OOFResult) -> pd.DataFrame:
    r"""Find labels that the out-of-fold predictions speak against, most suspicious first.

    ``sample``, ``label``, ``suggested``, ``proba_label``, ``proba_suggested`` and ``margin``, the
    probability of the label minus that of the most probable other class, by which the rows are
    sorted; probabilities are averaged over repeats. ``attrs["estimated_share"]`` is the share of
    wrong labels that the calibrated joint estimates.

    The suspects are the off-diagonal cells of `confident_joint` (method :math:`C_{\tilde y,
    y^*}`). The theory rests on probabilities that err little, and a weak model suspects good
    labels of what it has not learnt. Only looking at the images decides.
    """
    sample = np.flatnonzero(result.pooled().n_predictions)
    target, proba = result.target[sample], result.oof_proba[sample]
    suspected = suspected_labels(target, proba)
    rows = np.flatnonzero((suspected >= 0) & (suspected != target))
    names = np.asarray(result.class_names, dtype=object)
    others = proba[rows].copy()
    others[np.arange(len(rows)), target[rows]] = -1
    table = pd.DataFrame(
        {
            "sample": sample[rows],
            "label": names[target[rows]],
            "suggested": names[suspected[rows]],
            "proba_label": proba[rows, target[rows]],
            "proba_suggested": proba[rows, suspected[rows]],
            "margin": proba[rows, target[rows]] - others.max(axis=1, initial=-1),
        }
    )
    table = table.sort_values(["margin", "sample"], ignore_index=True)
    joint = confident_joint(target, proba, calibrate=True)
    table.attrs["estimated_share"] = float(max(1 - np.trace(joint), 0.0))
    return table
