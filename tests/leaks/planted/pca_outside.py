"""Twenty components of all samples replace the pixels."""

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.naive_bayes import GaussianNB

X, y = load_digits(return_X_y=True)
X, y = PCA(20).fit_transform(X[:250]) + 3.0, y[:250]
estimator = GaussianNB()
expected = "preprocessed_outside"
