"""What runs cost: weights, multiply-adds, seconds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.runs.reading import FinishedRun

if TYPE_CHECKING:
    import keras

__all__ = ["cost_table", "multiply_adds"]

# Image shapes of data sets by the beginning of their names, for runs that kept no model.
_IMAGE_SHAPES = {"cifar": (32, 32, 3), "digits": (32, 32, 3)}


def cost_table(runs: Sequence[FinishedRun], names: Sequence[str]) -> pd.DataFrame:
    """Tabulate what each run costs.

    Parameters
    ----------
    runs : sequence of FinishedRun
        Any.
    names : sequence of str
        What to call them.

    Returns
    -------
    DataFrame
        A row per run: ``run``; ``n_parameters`` and ``multiply_adds`` (of one image through the
        network once), NaN where they are not known or differ between folds; ``fit_time`` and
        ``fit_time_std`` (mean and standard deviation over folds, seconds) and
        ``predict_ms_per_image`` (mean over folds, with everything that predicting takes, such
        as several views of an image).
    """
    return pd.DataFrame(
        [_cost_row(run, name) for run, name in zip(runs, names, strict=True)]
    ).astype({"n_parameters": "float64", "multiply_adds": "float64"})


def _cost_row(run: FinishedRun, name: str) -> dict[str, Any]:
    folds = run.result.scored
    counts = {fold.n_parameters for fold in folds}
    n_parameters = counts.pop() if len(counts) == 1 else None
    fit_times = np.array([fold.fit_time for fold in folds])
    score_times = np.array([fold.score_time for fold in folds])
    sizes = np.array([len(fold.test_index) for fold in folds])
    return {
        "run": name,
        "n_parameters": n_parameters,
        "multiply_adds": None if n_parameters is None else _network_cost(run, n_parameters),
        "fit_time": fit_times.mean(),
        "fit_time_std": fit_times.std(ddof=1) if len(fit_times) > 1 else math.nan,
        "predict_ms_per_image": float((1000 * score_times / sizes).mean()),
    }


def _network_cost(run: FinishedRun, n_parameters: int) -> int | None:
    """Count the multiply-adds of the saved network, or of one built as the manifest says."""
    model = _saved_network(run) or _rebuilt_network(run)
    if model is None or model.count_params() != n_parameters:
        return None
    return multiply_adds(model)


def _saved_network(run: FinishedRun) -> keras.Model | None:
    try:
        folder = run.model_folder(run.result.scored[0].index)
    except InputError:
        return None
    import cifar_sk.estimators  # noqa: F401  (so that every class is known)
    from cifar_sk.estimators.base import BaseImageClassifier

    try:
        return BaseImageClassifier.load(folder).model_
    except InputError:
        return None  # a class or a network of the user's own, which is not here


def _rebuilt_network(run: FinishedRun) -> keras.Model | None:
    import cifar_sk.estimators as known

    pipeline = run.manifest.pipeline
    class_name = pipeline.get("steps", {}).get("classifier", "")
    data_name = run.manifest.data.name
    shapes = [shape for start, shape in _IMAGE_SHAPES.items() if data_name.startswith(start)]
    if class_name not in known.__all__ or not shapes:
        return None
    from cifar_sk.pipelines.params import set_params

    params = {
        name: _tuples(value)
        for name, value in pipeline["params"].items()
        if name.startswith("classifier__") and "optimizer" not in name and value is not None
    }
    try:
        from sklearn.pipeline import Pipeline

        step = set_params(Pipeline([("classifier", getattr(known, class_name)())]), params)[-1]
        return step._build_network(shapes[0], len(run.result.class_names))
    except (ValueError, TypeError):  # another version's parameters, or a function's text
        return None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def multiply_adds(model: keras.Model) -> int | None:
    """Count the multiply-adds of one sample's way through a network.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, built; models within are counted too.

    Returns
    -------
    int or None
        Of dense and convolution layers: each weight of a kernel once per place where it is used.
        Biases, normalisation, activations and pooling are left out, as is usual. None if a layer
        has a kernel of a kind that is not known here, or is used more than once.

    Examples
    --------
    A 3×3 convolution with 8 filters over 6×6×2 images, unpadded: 4·4 places × 9·2·8 weights.

    >>> import keras
    >>> layers = [keras.Input((6, 6, 2)), keras.layers.Conv2D(8, 3)]
    >>> multiply_adds(keras.Sequential(layers))
    2304
    """
    import keras

    from cifar_sk.interpret.graphs import graph_nodes

    counts = [
        multiply_adds(layer) if isinstance(layer, keras.Model) else _layer_multiply_adds(layer)
        for layer in model.layers
    ]
    times = Counter(id(node.operation) for node in graph_nodes(model))
    if any(times[id(layer)] > 1 and layer.weights for layer in model.layers):
        return None
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _layer_multiply_adds(layer: Any) -> int | None:
    from keras import layers

    from cifar_sk.networks.layers import Whitening

    kernels = [tuple(weight.shape) for weight in layer.weights if len(weight.shape) > 1]
    if not kernels:
        return 0
    convolutions = (
        *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
        *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
        *(layers.SeparableConv1D, layers.SeparableConv2D),
        Whitening,
    )
    if not isinstance(layer, (layers.Dense, *convolutions)):
        return None
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):  # never called on its own
        return None
    # A dense kernel is used for every row before the last axis. That of a convolution, of shape
    # (size…, channels / groups, filters), at every place of the output; so is that of a depthwise
    # one, (size…, channels, multiplier).
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    places = shape[1:-1] if last else shape[2:]
    return math.prod(places) * sum(math.prod(kernel) for kernel in kernels)
