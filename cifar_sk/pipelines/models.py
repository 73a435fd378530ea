"""Model names to ready pipelines, and pipelines to JSON values."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline, make_pipeline

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.baselines import BASELINES
from cifar_sk.pipelines.params import parse_assignments, set_params

__all__ = [
    "check_network",
    "make_model",
    "model_names",
    "parse_assignments",
    "set_params",
]

RESAMPLERS = {
    "smote": "SMOTE",
    "oversample": "RandomOverSampler",
    "undersample": "RandomUnderSampler",
}


def model_names() -> list[str]:
    """List the networks and the baselines."""
    return [*NETWORKS, *BASELINES]


def make_model(name: str, *, augment: str = "none", resample: str = "none") -> Pipeline:
    """Make the pipeline of a model.

    Parameters
    ----------
    name : str
        A registered network ("ann", "cnn", …) or a baseline ("dummy", "logistic").
    augment : str, default="none"
        An augmentation policy, as `cifar_sk.augmentation.augmentation_steps` reads it.
    resample : str, default="none"
        "smote", "oversample" or "undersample": balances the classes of every training fold.

    Returns
    -------
    Pipeline
        scikit-learn's, or an `InnerSplitPipeline` where it resamples. The last step is called
        ``classifier``, the others by their class in lower case.

    Raises
    ------
    InputError
        If one of the names is not known.

    Examples
    --------
    >>> [step for step, _ in make_model("dummy", augment="light").steps]
    ['randomflip', 'randomcrop', 'classifier']
    """
    if name not in model_names():
        raise InputError(f"There is no model {name!r}{did_you_mean(name, model_names())}.")
    from cifar_sk.augmentation import augmentation_steps

    classifier = BASELINES[name]() if name in BASELINES else _network_classifier(name)
    steps = make_pipeline(*augmentation_steps(augment), classifier).steps
    steps[-1] = ("classifier", classifier)
    if resample == "none":
        return Pipeline(steps)
    from cifar_sk.pipelines.inner_split import InnerSplitPipeline

    return InnerSplitPipeline([("imageresampler", _resampler(resample)), *steps])


def _network_classifier(name: str) -> Any:
    from cifar_sk.estimators import (
        ANNClassifier,
        CNNClassifier,
        FastCNNClassifier,
        KerasImageClassifier,
    )

    recipe = NETWORKS[name].recipe
    own_classes = {"ann": ANNClassifier, "cnn": CNNClassifier, "fast": FastCNNClassifier}
    own_class = own_classes.get(name)
    return own_class(**recipe) if own_class else KerasImageClassifier(name, **recipe)


def _resampler(name: str) -> Any:
    if name not in RESAMPLERS:
        raise InputError(
            f"There is no resampling {name!r}{did_you_mean(name, [*RESAMPLERS, 'none'])}."
        )
    from imblearn import over_sampling, under_sampling

    from cifar_sk.augmentation import ImageResampler

    class_name = RESAMPLERS[name]
    module = over_sampling if hasattr(over_sampling, class_name) else under_sampling
    return ImageResampler(sampler=getattr(module, class_name)())


def check_network(pipeline: Pipeline, image_shape: tuple[int, ...], n_classes: int) -> None:
    """Build a pipeline's network once, where it has one, check it and throw it away."""
    classifier = pipeline.steps[-1][1]
    if not hasattr(classifier, "_build_network"):
        return
    from cifar_sk.networks import checks

    try:
        network = classifier._build_network(image_shape, n_classes)
        checks.check_network(network, image_shape, n_classes)
    except InputError:
        raise
    except Exception as error:  # whatever a user's own builder does
        text = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"The network cannot be built: {text}") from error
