"""The scaler is fitted on all samples before the folds are made."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X, y = StandardScaler().fit_transform(X[:300]), y[:300]
estimator = LogisticRegression(max_iter=50)
expected = "preprocessed_outside"
