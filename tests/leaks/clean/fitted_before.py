"""The pipeline was fitted once to look at it; clones know nothing of that."""

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_wine(return_X_y=True)
estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
