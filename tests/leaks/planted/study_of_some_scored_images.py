"""A study selected the parameters on some of the scored images, by another name."""

import json

from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch

from cifar_sk.runs.image_sketch import ImageSketch

X, y = load_digits(return_X_y=True)
X, y = X[:200], y[:200]
estimator = DecisionTreeClassifier(max_depth=7, random_state=0)
bunch = Bunch(images=X, test_images=None, name="numbers", fingerprint="0" * 64)


def study(folder):
    """Write what a study on 80 of these images leaves."""
    best = {"study": "depths", "params": {"max_depth": 7}, "data": {"name": "digits-subset"}}
    best["images"] = ImageSketch.of(X[40:120]).to_json()
    (folder / "best.json").write_text(json.dumps(best))
    return folder / "best.json"


expected = "selected_on_these_images"
