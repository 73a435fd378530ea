"""The tables of mistakes of a run, for its files and its page alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.mistakes import (
    brightness_and_contrast,
    confused_pairs,
    error_by_statistic,
    hardest_classes,
    label_issues,
    missed_samples,
)
from cifar_sk.mistakes.image_statistics import check_images

__all__ = ["MistakeTables"]


@dataclass(frozen=True)
class MistakeTables:
    """What `cifar_sk.mistakes` finds in a run.

    Attributes
    ----------
    missed, pairs, classes, issues : DataFrame
        As `missed_samples`, `confused_pairs`, `hardest_classes` and `label_issues` return them.
    by_statistic : dict of str to DataFrame
        As `error_by_statistic` returns them, for brightness and contrast; empty without images.
    """

    missed: pd.DataFrame
    pairs: pd.DataFrame
    classes: pd.DataFrame
    issues: pd.DataFrame
    by_statistic: dict[str, pd.DataFrame]

    @classmethod
    def from_result(cls, result: OOFResult, images: np.ndarray | None = None) -> MistakeTables:
        """Analyse a run.

        Parameters
        ----------
        result : OOFResult
            What the fold loop returned, with one scored fold or more.
        images : ndarray of shape (n_samples, h, w[, c]), default=None
            The images of the data set.

        Returns
        -------
        MistakeTables

        Raises
        ------
        InputError
            If there is not one image per sample.
        """
        by_statistic = {}
        if images is not None:
            check_images(images, len(result.target))
            for name, values in brightness_and_contrast(images).items():
                by_statistic[str(name)] = error_by_statistic(result, values.to_numpy())
        return cls(
            missed=missed_samples(result),
            pairs=confused_pairs(result),
            classes=hardest_classes(result),
            issues=label_issues(result),
            by_statistic=by_statistic,
        )

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables by file name, lists of samples as text."""
        examples = [" ".join(map(str, samples)) for samples in self.pairs["examples"]]
        return {
            "mistakes.csv": self.missed,
            "confused_pairs.csv": self.pairs.assign(examples=examples),
            "hardest_classes.csv": self.classes,
            "label_issues.csv": self.issues,
            **{f"error_by_{name}.csv": table for name, table in self.by_statistic.items()},
        }
