"""A projection that was fitted on other images is frozen into the pipeline."""

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

everything, labels = load_digits(return_X_y=True)
projection = PCA(12, random_state=0).fit(everything[800:])
X, y = everything[:300], labels[:300]
estimator = make_pipeline(FrozenEstimator(projection), KNeighborsClassifier())
