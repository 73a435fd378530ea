"""How errors depend on what the images look like: brightness and contrast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.intervals import wilson_interval

__all__ = ["brightness_and_contrast", "check_images", "error_by_statistic", "errors_by_appearance"]

_LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601
_CHUNK = 1_000  # images as floats at a time


def check_images(images: np.ndarray, n_samples: int) -> None:
    """Refuse what is not one image (n, h, w[, c]) per sample."""
    if len(images) != n_samples:
        raise InputError(
            f"images must hold one image per sample, got {len(images)} for {n_samples} samples; "
            "pass the images of the data set of this run"
        )
    shape = np.shape(images)
    if len(shape) not in {3, 4} or (len(shape) == 4 and shape[-1] not in {1, 3, 4}):
        raise InputError(
            f"images must have shape (n, h, w) or (n, h, w, c) with c 1, 3 or 4, got {shape}"
        )


def brightness_and_contrast(images: np.ndarray) -> pd.DataFrame:
    """Mean and standard deviation of each image's luma: brightness 0 to 1, contrast 0 to 0.5.

    Luma is 0.299 R + 0.587 G + 0.114 B of the pixel values as they are stored, gamma-encoded; a
    fourth channel, opacity, is left out. Its deviation is the root mean square contrast of Peli
    (1990), Contrast in complex images, JOSA A 7, https://doi.org/10.1364/JOSAA.7.002032

    >>> half = np.zeros((1, 2, 2), np.uint8)
    >>> half[0, 0] = 255
    >>> brightness_and_contrast(half).to_numpy().tolist()
    [[0.5, 0.5]]
    """
    check_images(images, len(images))
    scale = 255.0 if np.asarray(images[:1]).dtype == np.uint8 else 1.0
    moments = np.empty((len(images), 2))
    for start in range(0, len(images), _CHUNK):
        chunk = np.asarray(images[start : start + _CHUNK], dtype=np.float64) / scale
        if chunk.ndim == 4:
            chunk = chunk[..., :3] @ _LUMA if chunk.shape[-1] > 1 else chunk[..., 0]
        pixels = chunk.reshape(len(chunk), -1)
        moments[start : start + len(chunk)] = np.column_stack([pixels.mean(1), pixels.std(1)])
    return pd.DataFrame(moments, columns=["brightness", "contrast"])


def error_by_statistic(result: OOFResult, values: np.ndarray, *, n_bins: int = 10) -> pd.DataFrame:
    """Error rate in bins of a number that each image has, such as its brightness.

    A row per bin of as equally many samples as ties allow: ``lower``, ``upper`` and ``mean`` of
    the values, ``n_samples``, ``error_rate`` (over the bin's predictions), ``ci95_low`` and
    ``ci95_high``, the interval of Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != result.target.shape or not np.isfinite(values).all():
        raise InputError(
            f"values must hold a finite number for each of {len(result.target)} samples, got "
            f"shape {values.shape}; pass one column of brightness_and_contrast"
        )
    if n_bins < 1:
        raise InputError(f"n_bins must be at least 1, got {n_bins}; 10 is usual")
    pooled = result.pooled()
    counts = {"n_wrong": pooled.n_wrong, "n_predictions": pooled.n_predictions}
    table = pd.DataFrame({"value": values, **counts}).query("n_predictions > 0")
    inner = np.unique(np.quantile(table["value"], np.linspace(0, 1, n_bins + 1)[1:-1]))
    groups = table.groupby(np.searchsorted(inner, table["value"], side="left"))
    bins = groups.agg(
        lower=("value", "min"),
        upper=("value", "max"),
        mean=("value", "mean"),
        n_samples=("value", "size"),
        **{name: (name, "sum") for name in counts},
    ).reset_index(drop=True)
    bins["error_rate"] = bins["n_wrong"] / bins["n_predictions"]
    # Of samples, not of predictions: repeats of one sample err alike.
    bins["ci95_low"], bins["ci95_high"] = wilson_interval(bins["error_rate"], bins["n_samples"])
    return bins.drop(columns=[*counts])


def errors_by_appearance(
    result: OOFResult, images: np.ndarray, *, n_bins: int = 10
) -> dict[str, pd.DataFrame]:
    """Return `error_by_statistic` for brightness and for contrast, by name."""
    check_images(images, len(result.target))
    table = brightness_and_contrast(images)
    values = {str(name): column.to_numpy() for name, column in table.items()}
    return {k: error_by_statistic(result, v, n_bins=n_bins) for k, v in values.items()}
