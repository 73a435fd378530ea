"""Attribution by gradients: which pixels would change the class's logit."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from cifar_sk.backend.operations import released_memory
from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.networks import ImageNetwork

__all__ = ["integrated_gradients", "saliency", "smooth_grad"]


@released_memory()
def saliency(
    classifier: BaseImageClassifier | keras.Model, images: Any, classes: Any = None
) -> np.ndarray:
    """Compute the gradient of a class's logit with respect to the pixels [1]_.

    Parameters
    ----------
    classifier : BaseImageClassifier or keras.Model
        Fitted; or pixels in, probabilities out.
    images : array-like of shape (n, h, w, c), (n, h, w) or (n, n_features)
        As ``predict`` takes them.
    classes : None, label, or array-like of shape (n,), default=None
        The class to explain, as in ``classes_``; None for each image's predicted one.

    Returns
    -------
    ndarray of float32, shape (n, h, w, c)
        With its sign. Per unit of what the network sees: the whole range from 0 to 255 for
        classifiers fitted on uint8. [1]_ draws the greatest absolute value over the channels.

    Raises
    ------
    InputError
        If images or classes do not fit the classifier, or another argument cannot be used; all
        functions of this package raise it for that.

    Notes
    -----
    Test-time augmentation takes part where the classifier predicts by it.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
       visualising image classification models and saliency maps", ICLR workshop, 2014.
       :doi:`10.48550/arXiv.1312.6034`

    Examples
    --------
    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
    ...     keras.layers.Dense(3, "softmax")])
    >>> gradient = saliency(model, np.random.default_rng(0).random((1, 2, 2, 1)), classes=1)
    >>> weights = model.layers[-1].get_weights()[0][:, 1]
    >>> np.allclose(gradient.ravel(), weights)
    True
    """
    network, x, weight = _start(classifier, images, classes)
    return network.differentiate()(x, weight)[1]


@released_memory()
def smooth_grad(
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    n_samples: int = 50,
    noise_level: float = 0.15,
    random_state: int = 0,
) -> np.ndarray:
    """Average the gradient over noisy copies of each image [1]_.

    Parameters
    ----------
    classifier, images, classes
        As for `saliency`.
    n_samples : int, default=50
        Number of noisy copies.
    noise_level : float, default=0.15
        Standard deviation of the noise, as a share of the image's own range of pixels; [1]_
        recommends 0.1 to 0.2.
    random_state : int, default=0
        Seed of the noise. Every image gets the same, scaled to its range, so that its map does
        not depend on the images beside it.

    Returns
    -------
    ndarray of float32, shape (n, h, w, c)
        As `saliency`.

    References
    ----------
    .. [1] D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg, "SmoothGrad: removing
       noise by adding noise", 2017. :doi:`10.48550/arXiv.1706.03825`
    """
    _check_count("n_samples", n_samples)
    if noise_level < 0:
        raise InputError(f"noise_level must be 0 or more, got {noise_level}.")
    network, x, weight = _start(classifier, images, classes)
    std = noise_level * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    rng = np.random.default_rng(random_state)
    gradient = network.differentiate()
    total = np.zeros(x.shape)
    for _ in range(n_samples):
        noise = rng.standard_normal(network.image_shape, dtype=np.float32)
        total += gradient(x + std * noise, weight)[1]
    return (total / n_samples).astype(np.float32)


@released_memory()
def integrated_gradients(
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    baseline: Any = 0,
    n_steps: int = 64,
) -> np.ndarray:
    """Attribute the logit's difference from a baseline to the pixels [1]_.

    Parameters
    ----------
    classifier, images, classes
        As for `saliency`.
    baseline : float or array-like that broadcasts to the images, default=0
        An image without content, in pixels as ``predict`` takes them: black by default.
    n_steps : int, default=64
        Points on the straight line from baseline to image, in the middle of equal intervals.

    Returns
    -------
    ndarray of float32, shape (n, h, w, c)
        Sums to the image's logit less the baseline's, but for the error of the sum that stands
        for the integral; more steps make it smaller.

    Notes
    -----
    Pixels that equal the baseline get nothing: black ones, for a black baseline.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
       2017. :doi:`10.48550/arXiv.1703.01365`

    Examples
    --------
    >>> import keras, numpy as np
    >>> from cifar_sk.interpret import logits
    >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(),
    ...     keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    >>> image = np.random.default_rng(0).random((1, 2, 2, 1))
    >>> total = integrated_gradients(model, image, classes=1).sum()
    >>> difference = logits(model, image)[0, 1] - logits(model, 0 * image)[0, 1]
    >>> bool(abs(total - difference) < 0.01)
    True
    """
    _check_count("n_steps", n_steps)
    network, x, weight = _start(classifier, images, classes)
    try:
        start = np.broadcast_to(network.scale(baseline), x.shape)
    except ValueError as error:
        raise InputError(
            f"baseline must be a number or broadcast to the images, {x.shape}; got shape "
            f"{np.shape(baseline)}."
        ) from error
    gradient = network.differentiate()
    total = np.zeros(x.shape)
    for step in range(n_steps):
        share = np.float32((step + 0.5) / n_steps)
        total += gradient(start + share * (x - start), weight)[1]
    return ((x - start) * total / n_steps).astype(np.float32)


def _start(
    classifier: BaseImageClassifier | keras.Model, images: Any, classes: Any
) -> tuple[ImageNetwork, np.ndarray, np.ndarray]:
    """Return the network, what it sees, and with what weight each image's logits count."""
    network = ImageNetwork(classifier)
    x = network.prepare(images)
    return network, x, network.one_hot(network.columns(classes, x))


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name} must be 1 or more, got {value}.")
