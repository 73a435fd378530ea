"""What the page's script works on: confusion matrices, and the predictions behind each cell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import OOFResult, Pooled
from cifar_sk.metrics.fold_table import row_name
from cifar_sk.reports.run.charts import SHADES
from cifar_sk.reports.run.thumbnails import Thumbnails

__all__ = ["page_data", "script_json", "top_classes"]

_N_PER_CELL = 12
_N_PER_FOLD_CELL = 6
_BUDGET = 6_000_000  # bytes of text; with figures and tables the page stays below 10 MB
_RECORD_SIZE = 70  # bytes of a prediction without its picture, about
_N_TOP = 3


def page_data(
    result: OOFResult, thumbnails: Thumbnails | None = None, *, budget: int = _BUDGET
) -> dict[str, Any]:
    """Collect what a click on a cell of the confusion matrix can show, as JSON values.

    ``counts`` are the pooled matrix and then one per fold, row after row; ``shades``, the shares
    of the true class from which the next shade begins; ``records``, lists of sample, position of
    the fold, true class, predicted class and, alternating, classes and their probabilities in
    thousandths, most confident first; ``thumbs``, pictures by sample.

    Of each cell come the most confident predictions: 12 of the pooled matrix, 6 of a fold's.
    Where all that is more than `budget` bytes, first comes one for every cell, then a second, and
    so on, pooled cells before those of folds: what is shown of a cell are always its first ones.
    """
    pooled = result.pooled()
    counts = [pooled.confusion, *pooled.confusions.values()]
    position = {fold.index: place for place, fold in enumerate(result.scored)}
    kept, thumbs = _within(budget, pooled, thumbnails)
    records = [_record(pooled, place, position) for place in _by_confidence(pooled, kept)]
    return {
        "classes": list(result.class_names),
        "folds": [row_name(fold) for fold in result.scored],
        "counts": [matrix.ravel().tolist() for matrix in counts],
        "per_cell": _N_PER_CELL,
        "shades": SHADES,
        "records": records,
        "thumbs": thumbs,
        "mime": "" if thumbnails is None else thumbnails.mime,
        "pixelated": thumbnails is not None and thumbnails.is_pixelated,
    }


def _within(
    budget: int, pooled: Pooled, thumbnails: Thumbnails | None
) -> tuple[list[int], dict[str, str]]:
    """Return predictions, and pictures by sample, that take no more than so many bytes."""
    thumbs: dict[str, str] = {}
    kept = []
    for place in _candidates(pooled):
        sample = str(pooled.sample[place])
        picture = "" if thumbnails is None else thumbnails.base64(int(sample))
        budget -= _RECORD_SIZE + (0 if sample in thumbs else len(picture))
        if budget < 0:
            break
        kept.append(place)
        if picture:
            thumbs[sample] = picture
    return kept, thumbs


def top_classes(proba: np.ndarray, target: int) -> list[int]:
    """Return the most probable classes, most probable first, and the true one in any case.

    >>> top_classes(np.array([0.1, 0.4, 0.3, 0.2]), 0)
    [1, 2, 3, 0]
    """
    top = np.argsort(-proba, kind="stable")[:_N_TOP].tolist()
    return top if target in top else [*top, target]


def script_json(data: Any) -> str:
    r"""Write data so that it can stand in a script element: no ``</script>``, no ``<!--``.

    >>> print(script_json(["</script>", "a & b"]))
    ["\u003c/script\u003e","a \u0026 b"]
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _candidates(pooled: Pooled) -> list[int]:
    """Return what may be shown: ranks 1 of all cells first, then ranks 2, folds' cells last."""
    order = _by_confidence(pooled, range(len(pooled.sample)))
    cell = pooled.target[order] * pooled.proba.shape[1] + pooled.predicted[order]
    frame = pd.DataFrame({"place": order, "cell": cell, "fold": pooled.fold[order]})
    rank = frame.groupby("cell").cumcount()
    fold_rank = frame.groupby(["fold", "cell"]).cumcount()
    frame["priority"] = rank.where(rank < _N_PER_CELL, _N_PER_CELL + fold_rank)
    is_candidate = (rank < _N_PER_CELL) | (fold_rank < _N_PER_FOLD_CELL)
    return frame[is_candidate].sort_values("priority", kind="stable")["place"].tolist()


def _by_confidence(pooled: Pooled, places: Any) -> np.ndarray:
    chosen = np.asarray(places, dtype=np.int64)
    # The last key counts first.
    keys = pooled.fold[chosen], pooled.sample[chosen], -pooled.confidence[chosen]
    return chosen[np.lexsort(keys)]


def _record(pooled: Pooled, place: int, position: dict[int, int]) -> list[int]:
    target, proba = int(pooled.target[place]), pooled.proba[place]
    head = [int(pooled.sample[place]), position[int(pooled.fold[place])], target]
    pairs = [
        value
        for label in top_classes(proba, target)
        for value in (label, _thousandths(float(proba[label])))
    ]
    return [*head, int(pooled.predicted[place]), *pairs]


def _thousandths(probability: float) -> int:
    """Round a probability so that what is below 1 or above 999 thousandths is 0 or 1000."""
    if probability < 0.001:
        return 0
    return 1000 if probability > 0.999 else round(1000 * probability)
