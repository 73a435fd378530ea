"""Every feature is scaled to [0, 1] by the extremes of all samples."""

from sklearn.datasets import load_wine
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import minmax_scale

X, y = load_wine(return_X_y=True)
X = minmax_scale(X)
estimator = KNeighborsClassifier()
expected = "preprocessed_outside"
