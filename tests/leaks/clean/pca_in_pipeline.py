"""Components are fitted in each fold, on whitened pixels."""

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

X, y = load_digits(return_X_y=True)
X, y = X[:250] / 16, y[:250]
estimator = make_pipeline(PCA(20, whiten=True, random_state=0), GaussianNB())
