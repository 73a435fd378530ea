"""Every image is added once more, mirrored, before the folds are made."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier

digits = load_digits()
images, labels = digits.images[:150].astype(np.uint8), digits.target[:150]
X = np.concatenate([images, images[:, :, ::-1]]).reshape(300, -1)
y = np.concatenate([labels, labels])
X = X.reshape(300, 8, 8)


class Flat(ExtraTreesClassifier):
    def fit(self, X, y):
        return super().fit(X.reshape(len(X), -1), y)

    def predict_proba(self, X):
        return super().predict_proba(X.reshape(len(X), -1))


estimator = Flat(10, random_state=0)
expected = "transformed_copies"
