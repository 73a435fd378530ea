"""Why a network predicts what it does: attribution maps, maximising images, filters.

Everything takes a fitted classifier, or a Keras model with pixels in and probabilities out, and
returns arrays. What is explained is the logit, the number that the softmax is computed from, for
the gradient of a probability vanishes where the prediction is sure.
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
