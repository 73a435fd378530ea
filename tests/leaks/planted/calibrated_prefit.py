"""A model that saw all samples is only calibrated in the folds."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
forest = RandomForestClassifier(15, random_state=0).fit(X, y)
estimator = CalibratedClassifierCV(FrozenEstimator(forest))
expected = ("knows_labels", "already_fitted", "fitted_before_split")
