"""One class counts five times; the weights name the labels."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

X, y = load_breast_cancer(return_X_y=True)
X, y = X[:300], y[:300]
estimator = make_pipeline(MinMaxScaler(), LogisticRegression(class_weight={0: 5, 1: 1}))
