"""The pipeline keeps fitted steps in a cache, by what they were fitted on."""

import atexit
import shutil
import tempfile

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

X, y = load_digits(return_X_y=True)
X, y = X[:200], y[:200]
folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder)
estimator = make_pipeline(PCA(8, random_state=0), KNeighborsClassifier(), memory=folder)
