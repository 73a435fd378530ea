"""Model names to ready pipelines, and ``step__param=value`` strings to parameters."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.networks import NETWORKS

__all__ = [
    "check_network",
    "make_model",
    "model_summaries",
    "parse_assignments",
    "pipeline_description",
    "read_params",
    "set_params",
]

RESAMPLERS = {
    "smote": "SMOTE",
    "oversample": "RandomOverSampler",
    "undersample": "RandomUnderSampler",
}


def _dummy() -> Any:
    """Predicts the class shares and looks at no image: what any model must beat."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _flatten(images: Any) -> np.ndarray:
    images = np.asarray(images)
    return images.reshape(len(images), -1)


def _logistic() -> Any:
    """Logistic regression on standardised pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        FunctionTransformer(_flatten), StandardScaler(), LogisticRegression(max_iter=200)
    )


# What a network is compared with; networks themselves are registered in cifar_sk.networks.
_BASELINES: dict[str, Callable[[], Any]] = {"dummy": _dummy, "logistic": _logistic}


def model_summaries() -> dict[str, str]:
    """List the models.

    Returns
    -------
    dict of str to str
        What each name stands for.
    """
    networks = {name: network.summary for name, network in NETWORKS.items()}
    baselines = {name: (make.__doc__ or "").rstrip(".") for name, make in _BASELINES.items()}
    return {**networks, **baselines}


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
        scikit-learn's, or imbalanced-learn's where it resamples. The last step is called
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
    known = model_summaries()
    if name not in known:
        raise InputError(f"There is no model {name!r}{did_you_mean(name, known)}.")
    from cifar_sk.augmentation import augmentation_steps

    classifier = _BASELINES[name]() if name in _BASELINES else _network_classifier(name)
    steps = make_pipeline(*augmentation_steps(augment), classifier).steps
    steps[-1] = ("classifier", classifier)
    if resample == "none":
        return Pipeline(steps)
    from imblearn import pipeline

    return pipeline.Pipeline([("imageresampler", _resampler(resample)), *steps])


def _network_classifier(name: str) -> Any:
    from cifar_sk.estimators import ANNClassifier, CNNClassifier, KerasImageClassifier

    recipe = NETWORKS[name].recipe
    own_class = {"ann": ANNClassifier, "cnn": CNNClassifier}.get(name)
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


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read ``step__param=value`` strings.

    Parameters
    ----------
    assignments : iterable of str
        Values are JSON or Python literals; what is neither is text.

    Returns
    -------
    dict
        Values by name.

    Raises
    ------
    InputError
        For a string without "=".

    Examples
    --------
    >>> parse_assignments(["classifier__widths=(8, 16)", "classifier__activation=gelu"])
    {'classifier__widths': (8, 16), 'classifier__activation': 'gelu'}
    """
    params = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise InputError(
                f"Parameters are set as step__param=value, such as classifier__dropout=0.3; "
                f"got {assignment!r}."
            )
        params[name.strip()] = _value(text.strip())
    return params


def _value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return text


def read_params(path: str | Path) -> dict[str, Any]:
    """Read parameters from a JSON file, such as a study's ``best.json``.

    Parameters
    ----------
    path : str or Path
        A JSON object of values by ``step__param``, or one that has such an object as
        ``params``.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Parameters cannot be read from {path}: {error}.") from error
    params = content.get("params", content) if isinstance(content, dict) else None
    if not isinstance(params, dict):
        raise InputError(f"{path} must hold a JSON object of values by step__param.")
    return params


def set_params(pipeline: Pipeline, params: Mapping[str, Any]) -> Pipeline:
    """Set parameters of a pipeline, and refuse unknown and unusable ones.

    Parameters
    ----------
    pipeline : Pipeline
        Changed in place.
    params : mapping
        Values by ``step__param``. All unknown names are reported together.

    Returns
    -------
    Pipeline
        The same.

    Raises
    ------
    InputError
        For names that are no parameters, or values that a step refuses.
    """
    todo = dict(params)
    try:
        # Names such as classifier__network__depth may come to be known by what is set before.
        while known := {name: todo.pop(name) for name in _leaves(pipeline) if name in todo}:
            pipeline.set_params(**known)
        if todo:
            hints = [repr(name) + _nearest(name, _leaves(pipeline)) for name in todo]
            raise InputError(f"There is no parameter {'; nor '.join(hints)}.")
        for step in [*pipeline.get_params().values()]:
            _validate(step)
    except ValueError as error:
        text = " ".join(str(error).split())
        raise error if isinstance(error, InputError) else InputError(text) from error
    return pipeline


def _leaves(pipeline: Pipeline) -> list[str]:
    """List the parameters that are values, and no steps."""
    return [
        name
        for name, value in pipeline.get_params().items()
        if "__" in name and not _is_step(name, value)
    ]


def _is_step(name: str, value: Any) -> bool:
    return hasattr(value, "get_params") or name.rpartition("__")[2] in {"steps", "memory"}


def _nearest(name: str, known: Iterable[str]) -> str:
    """Suggest a parameter of the same step, or of any if there is no such step."""
    step = name.partition("__")[0]
    return did_you_mean(name, [k for k in known if k.startswith(f"{step}__")] or known)


def _validate(step: Any) -> None:
    """Have a step check its parameters now, and not in every fold."""
    for check in ("_check_params", "check_parameters"):
        if hasattr(step, check):
            getattr(step, check)()
            return
    if hasattr(step, "_parameter_constraints"):
        step._validate_params()


def check_network(pipeline: Pipeline, image_shape: tuple[int, ...], n_classes: int) -> None:
    """Build a pipeline's network once, where it has one, and throw it away.

    Parameters
    ----------
    pipeline : Pipeline
        Left as it is.
    image_shape : tuple of int
        (h, w, c).
    n_classes : int
        How many.

    Raises
    ------
    InputError
        If a parameter is refused that only Keras can judge, such as a dropout rate above 1.
    """
    classifier = pipeline.steps[-1][1]
    if not hasattr(classifier, "_build_network"):
        return
    try:
        classifier._build_network(image_shape, n_classes)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"The network cannot be built: {text}") from error


def pipeline_description(pipeline: Pipeline) -> dict[str, Any]:
    """Describe a pipeline in JSON values, equal for equal pipelines.

    Parameters
    ----------
    pipeline : Pipeline
        Or any estimator.

    Returns
    -------
    dict
        ``steps`` (name to class) and ``params`` (sorted by name, objects as their text).
    """
    params = pipeline.get_params(deep=True)
    steps = dict(getattr(pipeline, "steps", [("classifier", pipeline)]))
    return {
        "steps": {name: type(step).__name__ for name, step in steps.items()},
        "params": {
            name: _plain(value)
            for name, value in sorted(params.items())
            if name not in {*steps, "steps", "memory"}
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN, and NaN is never equal to itself
    if isinstance(value, bool | int | float | str | None):
        return value
    if hasattr(value, "get_params"):
        return type(value).__name__  # its parameters are listed by themselves
    # An address would be another one in every process.
    return getattr(value, "__qualname__", None) or re.sub(r" at 0x[0-9a-f]+", "", repr(value))
