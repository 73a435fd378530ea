"""The step in the pipeline is fitted on a global array that holds all samples."""

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

X, y = load_wine(return_X_y=True)


class Components(TransformerMixin, BaseEstimator):
    def fit(self, part, y=None):
        self.pca_ = PCA(3).fit(X)
        return self

    def transform(self, part):
        return self.pca_.transform(part)


estimator = make_pipeline(Components(), KNeighborsClassifier())
expected = "scored_samples_read"
