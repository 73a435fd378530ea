"""Why a network predicts what it does: attribution maps, maximising images, filters.

Everything takes a fitted classifier, or a Keras model with pixels in and probabilities out, and
returns arrays. What is explained is the logit, the number that the softmax is computed from, for
the gradient of a probability vanishes where the prediction is sure.

Examples
--------
>>> import keras, numpy as np
>>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"),
...     keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(3, "softmax")])
>>> images = np.ones((5, 8, 8, 1))
>>> smooth_grad(model, images, n_samples=3).shape
(5, 8, 8, 1)
>>> grad_cam(model, images).shape, occlusion(model, images, size=4).shape
((5, 8, 8), (5, 8, 8))
>>> maps = attribution_maps(model, images, methods=["saliency", "occlusion"])
>>> {name: values.shape for name, values in maps.items()}
{'saliency': (5, 8, 8), 'occlusion': (5, 8, 8)}
>>> randomisation_check(saliency, model, images).shape
(5,)
>>> maximise_class(model, n_steps=5).shape
(3, 8, 8, 1)
>>> maximise_filter(model, "c", [0, 3], n_steps=5).shape
(2, 8, 8, 1)
"""

from cifar_sk.interpret.filters import first_layer_filters, hidden_layer
from cifar_sk.interpret.gradcam import grad_cam, last_feature_maps
from cifar_sk.interpret.gradients import integrated_gradients, saliency, smooth_grad
from cifar_sk.interpret.maps import METHODS, applicable_methods, attribution_maps
from cifar_sk.interpret.maximisation import filter_activations, maximise_class, maximise_filter
from cifar_sk.interpret.networks import logits
from cifar_sk.interpret.occlusion import occlusion
from cifar_sk.interpret.sanity import randomisation_check

__all__ = [
    "METHODS",
    "applicable_methods",
    "attribution_maps",
    "filter_activations",
    "first_layer_filters",
    "grad_cam",
    "hidden_layer",
    "integrated_gradients",
    "last_feature_maps",
    "logits",
    "maximise_class",
    "maximise_filter",
    "occlusion",
    "randomisation_check",
    "saliency",
    "smooth_grad",
]
