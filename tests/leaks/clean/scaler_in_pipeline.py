"""The scaler is a step, fitted on each training fold."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=50))
