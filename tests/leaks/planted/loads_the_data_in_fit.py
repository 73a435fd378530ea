"""`fit` loads the whole data set once more and trains on all of it."""

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

X, y = load_wine(return_X_y=True)


class Reloading(RandomForestClassifier):
    def fit(self, X, y):
        everything, labels = load_wine(return_X_y=True)
        return super().fit(everything, labels)


estimator = Reloading(15, random_state=0)
expected = "knows_labels"
