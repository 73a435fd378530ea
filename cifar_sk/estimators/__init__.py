"""scikit-learn classifiers over the networks.

`classifiers` says what their parameters are, `base` how they keep scikit-learn's contracts on
scikeras, and `training` what happens inside ``fit`` on Keras.
"""

from cifar_sk.estimators.classifiers import ANNClassifier, CNNClassifier, KerasImageClassifier
from cifar_sk.estimators.fast import FastCNNClassifier

__all__ = ["ANNClassifier", "CNNClassifier", "FastCNNClassifier", "KerasImageClassifier"]
