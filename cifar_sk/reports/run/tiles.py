"""Pictures with their predictions, as the page's lists of images show them."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison import Comparison
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import fold_count
from cifar_sk.metrics.wording import probability_text
from cifar_sk.reports.run.page_data import top_classes
from cifar_sk.reports.run.tables import RunTables
from cifar_sk.reports.run.thumbnails import Thumbnails

__all__ = ["Gallery", "Tile", "TileMaker", "comparison_galleries", "galleries", "pair_rows"]

# Pictures shown, and pairs of classes.
_N_SAMPLES, _N_MISTAKES, _N_ISSUES, _N_MISSED = 12, 24, 24, 24
_N_PAIRS, _N_ONLY_ONE = 8, 12

# One of what `OOFResult.passes` names.
_PASS = {"repeats": "repeat", "seeds": "seed", "repeats and seeds": "repeat and seed"}


@dataclass(frozen=True)
class Tile:
    """One picture and what was predicted for it, by whom.

    `src` is a data URL, or empty where there are no images. `bars` are class, or run; probability
    as text, and from 0 to 100; and "true" (right), "wrong" (predicted, not the label) or nothing.
    """

    sample: int
    true: str
    predicted: str
    src: str
    bars: list[tuple[str, str, float, str]]


@dataclass(frozen=True)
class Gallery:
    """A section of pictures; its note says how many there are of how many."""

    id: str
    title: str
    note: str
    tiles: list[Tile]


class TileMaker:
    """Makes tiles of samples, with probabilities averaged over repeats."""

    def __init__(self, result: OOFResult, thumbnails: Thumbnails | None = None) -> None:
        self._names = result.class_names
        self._target = result.target
        self._proba = result.oof_proba
        self._thumbnails = thumbnails

    def tiles(self, samples: Any) -> list[Tile]:
        """Return a tile for each sample."""
        return [self._tile(int(sample)) for sample in samples]

    def _tile(self, sample: int) -> Tile:
        target, proba = int(self._target[sample]), self._proba[sample]
        src = "" if self._thumbnails is None else self._thumbnails.url(sample)
        predicted = int(proba.argmax())
        kinds = {predicted: "wrong", target: "true"}  # the target's last: it may be predicted
        bars = [
            _bar(self._names[label], proba[label], kinds.get(label, ""))
            for label in top_classes(proba, target)
        ]
        return Tile(sample, self._names[target], self._names[predicted], src, bars)


def _bar(name: str, probability: float, kind: str) -> tuple[str, str, float, str]:
    return (
        name,
        probability_text(probability, 1, percent=True),
        round(100 * float(probability), 1),
        kind,
    )


def galleries(tables: RunTables, maker: TileMaker) -> list[Gallery]:
    """Choose what the page shows without a click; what is empty is left out."""
    result = tables.result
    has_passes = result.n_passes > 1
    averaged = f" Probabilities are averaged over {result.passes}." if has_passes else ""
    found = [_mistakes(tables.samples, maker, averaged)]
    if has_passes:
        found.append(_always_wrong(tables, maker))
    found += [_issues(tables, maker, averaged), _samples(tables.samples, maker, averaged)]
    return [gallery for gallery in found if gallery.tiles]


def comparison_galleries(
    comparison: Comparison, thumbnails: Thumbnails | None = None
) -> list[Gallery]:
    """Choose images that only one of two runs gets right; none of more than two runs."""
    if comparison.pair is None:
        return []
    table = comparison.pair.only_one_right
    margin = table["proba_right"] - table["proba_wrong"]
    table = table.loc[margin.sort_values(ascending=False, kind="stable").index]
    result = comparison.runs[0].result
    averaged = f", averaged over {result.passes}" if result.n_passes > 1 else ""
    every = f" in every {_PASS[result.passes]}, and the other in none" if averaged else ""
    found = []
    for place, (name, other) in enumerate((comparison.names, comparison.names[::-1])):
        rows = table[table["right"] == name]
        shown = rows.head(_N_ONLY_ONE)
        note = (
            f"{_of(shown, rows)} images that {name} alone gets right{every}; those "
            "first whose true class the two give the most different probabilities, which are "
            f"shown{averaged}. All are in only_one_right.csv."
        )
        tiles = [_only_one_tile(row, name, other, thumbnails) for row in shown.to_dict("records")]
        found.append(Gallery(f"only-{place}", f"Only {name} is right", note, tiles))
    return [gallery for gallery in found if gallery.tiles]


def _only_one_tile(row: Any, name: str, other: str, thumbnails: Thumbnails | None) -> Tile:
    bars = [_bar(name, row["proba_right"], "true"), _bar(other, row["proba_wrong"], "wrong")]
    src = "" if thumbnails is None else thumbnails.url(row["sample"])
    return Tile(row["sample"], row["true"], f"{row['wrong_class']} by {other}", src, bars)


def pair_rows(pairs: pd.DataFrame, maker: TileMaker) -> list[dict[Any, Any]]:
    """Return the most frequent confusions, with tiles of their examples."""
    rows = pairs.head(_N_PAIRS).to_dict("records")
    return [{**row, "tiles": maker.tiles(row["examples"])} for row in rows]


def _mistakes(table: pd.DataFrame, maker: TileMaker, averaged: str) -> Gallery:
    wrong = table[~table["is_correct"]]
    wrong = wrong.sort_values(["confidence", "sample"], ascending=[False, True])
    shown = wrong["sample"].head(_N_MISTAKES)
    note = f"{_of(shown, wrong)} wrong predictions, highest probability first.{averaged}"
    return Gallery("confident", "Most confident mistakes", note, maker.tiles(shown))


def _always_wrong(tables: RunTables, maker: TileMaker) -> Gallery:
    always = tables.missed.query("is_always_wrong")
    one = _PASS[tables.result.passes]
    shown = always["sample"].head(_N_MISSED)
    note = (
        f"{_of(shown, always)} samples that every {one} gets wrong, out of "
        f"{fold_count(tables.result)}; the true class least probable first."
    )
    return Gallery("always", f"Wrong in every {one}", note, maker.tiles(shown))


def _issues(tables: RunTables, maker: TileMaker, averaged: str) -> Gallery:
    issues, n_samples = tables.issues, len(tables.samples)
    shown = issues["sample"].head(_N_ISSUES)
    accuracy = tables.samples["is_correct"].mean()
    note = (
        f"{_of(shown, issues)} labels that confident learning suspects "
        f"({100 * len(issues) / n_samples:.1f} % of {n_samples:,} samples), most suspicious "
        f"first. These are suspicions of a model that is right {100 * accuracy:.1f} % of the "
        "time: the weaker it is, the more of them are its own mistakes. Only looking decides."
        f"{averaged} All are in label_issues.csv. Method: Northcutt, Jiang and Chuang 2021, "
        "doi:10.1613/jair.1.12125."
    )
    return Gallery("issues", "Suspected label errors", note, maker.tiles(shown))


def _samples(table: pd.DataFrame, maker: TileMaker, averaged: str) -> Gallery:
    rows = np.random.default_rng(0).permutation(len(table))[:_N_SAMPLES]
    shown = table["sample"].iloc[np.sort(rows)]
    note = f"{_of(shown, table)} samples, drawn at random (seed 0).{averaged}"
    return Gallery("samples", "Sample predictions", note, maker.tiles(shown))


def _of(shown: Sized, found: Sized) -> str:
    n = len(found)
    return f"All {n:,}" if len(shown) == n else f"{len(shown):,} of {n:,}"
