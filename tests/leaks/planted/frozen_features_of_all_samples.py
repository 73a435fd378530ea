"""A supervised projection that was fitted on all samples is frozen into the pipeline."""

from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
projection = LinearDiscriminantAnalysis().fit(X, y)
estimator = make_pipeline(FrozenEstimator(projection), KNeighborsClassifier())
expected = ("scored_samples_read", "fitted_before_split", "already_fitted")
