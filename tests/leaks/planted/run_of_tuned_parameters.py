"""A run whose parameters a study had selected on a part of its images."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from cifar_sk import RunFolder, cross_validate_oof

X = np.random.default_rng(0).random((90, 5))
y = np.arange(90) % 2


def run(folder):
    """Score with the winner of a study on the first 40 samples."""
    note = "The study depths selected these parameters on 40 of these images."
    with RunFolder.open(folder, info={"selected": note}) as store:
        cross_validate_oof(
            DecisionTreeClassifier(max_depth=3, random_state=0), X, y, cv=3, store=store
        )


expected = "selected_on_these_images"
