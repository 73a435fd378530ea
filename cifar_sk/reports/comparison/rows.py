"""The tables of a comparison as text, for Markdown, page and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cifar_sk.comparison.looks import Looks
from cifar_sk.comparison.ranking import Ranking
from cifar_sk.comparison.runs import Comparison, PairResult
from cifar_sk.comparison.tests.protocol import StatisticalTest, all_tests
from cifar_sk.comparison.wording import p_text, percent, probability
from cifar_sk.metrics import METRICS
from cifar_sk.reports.templating import number, pair, plain_text

__all__ = ["comparison_tables", "run_rows"]


@dataclass(frozen=True)
class TextTable:
    """A table as text: anchor, heading, a note for its readers, and rows after the headings."""

    name: str
    title: str
    note: str
    rows: list[list[str]]


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables of a comparison in reading order."""
    tables = [_metrics(comparison)]
    if comparison.ranking is not None:
        tables = [table(comparison, comparison.ranking) for table in (_ranking, _pairs)] + tables
    if comparison.pair is not None:
        tables += [table(comparison, comparison.pair) for table in (_bayesian, _samples, _classes)]
    if comparison.looks is not None and comparison.looks.is_series:
        tables.append(_looks(comparison, comparison.looks))
    return [*tables, _tests(comparison), _costs(comparison)]


def _p(value: float) -> str:
    return "–" if pd.isna(value) else p_text(value).removeprefix("p = ").removeprefix("p ")


def _interval(row: Mapping[Any, Any], text: str = "{:+.4f}", of: str = "") -> str:
    return pair(row[f"{of}low"], row[f"{of}high"], "to", text)


_PROCEDURE = "procedure_"
_CORRECTED = ["corrected t, 95 %", "corrected t, p"]
_WHAT_VARIES = (
    "In the interval of the procedure test vary images and trainings; in that of the "
    "Nadeau–Bengio corrected paired t-test varies what the folds alone show."
)


def _metrics(comparison: Comparison) -> TextTable:
    names = comparison.names
    is_pair = comparison.pair is not None
    rows = [["metric", "better", *names]]
    if is_pair:
        interval = f"{percent(comparison.level)} interval"
        rows[0] += ["difference", interval, "p", "p, Holm", *_CORRECTED]
    for row in comparison.metrics.to_dict("records"):
        is_primary = row["metric"] == comparison.metric
        metric = METRICS[row["metric"]].label + (" (primary)" if is_primary else "")
        scores = [pair(row[f"{name}_mean"], row[f"{name}_std"], "±") for name in names]
        cells = [metric, row["better"], *scores]
        if is_pair:
            difference = number(row["difference"], "{:+.4f}")
            same = row["same_test_as"]
            corrected = f"as {METRICS[same].label}" if same else _p(row["procedure_holm"])
            cells += [difference, _interval(row, of=_PROCEDURE), _p(row["procedure_p"])]
            cells += [corrected, _interval(row), _p(row["p_value"])]
        rows.append(cells)
    note = f"Mean ± standard deviation over {comparison.folds}, which is no standard error."
    if is_pair:
        note += (
            f" Differences are {names[1]} − {names[0]}. Intervals and p values: procedure test. "
            f"{_WHAT_VARIES} The primary metric's p needs no correction; the others are "
            "Holm-corrected among themselves, their intervals not."
        )
        if (comparison.metrics["same_test_as"] != "").any():
            note += (
                ' "As" another metric: the differences are the same in every fold, up to a '
                "factor, so it is the same test and counts once."
            )
    return TextTable("metrics", "Metrics", note, rows)


def _bayesian(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    verdict = pair_result.posterior.verdict(comparison.rope)
    lower, higher = (first, second) if comparison.greater_is_better else (second, first)
    chances = {lower: probability(verdict.below, 4), higher: probability(verdict.above, 4)}
    equivalent = probability(verdict.equivalent, 4)
    rows = [
        ["verdict", "probability"],
        [f"{first} is better by more than {comparison.rope:g}", chances[first]],
        [f"practically equivalent (within ±{comparison.rope:g})", equivalent],
        [f"{second} is better by more than {comparison.rope:g}", chances[second]],
    ]
    note = (
        f"Bayesian correlated t-test of {METRICS[comparison.metric].label} over "
        f"{comparison.folds} (Corani and Benavoli 2015)."
    )
    return TextTable("bayesian", "Probabilities", note, rows)


def _samples(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    labels = [name for name in ("repeat", "seed") if name in pair_result.mcnemar]
    headings = [*labels, "both right", f"only {first}", f"only {second}", "both wrong"]
    rows = [[*headings, "difference", "95 % interval", "p"]]
    for row in pair_result.mcnemar.to_dict("records"):
        counts = [f"{row[name]:,}" for name in ("both", "only_first", "only_second", "neither")]
        found = [f"{row['difference']:+.4f}", _interval(row), _p(row["p_value"])]
        rows.append([*(str(row[label] + 1) for label in labels), *counts, *found])
    is_grouped = comparison.runs[0].result.groups is not None
    test = "McNemar's exact test and Bonett and Price's interval"
    if is_grouped:
        test = "McNemar's test and interval over groups (t with one degree of freedom less)"
    varies = "groups of images" if is_grouped else "images"
    note = (
        f"Images by who gets them right, with {test} on the difference in accuracy, {second} − "
        f"{first}. In the interval vary the {varies} alone: it is about these fitted models, and "
        "what varies between trainings is not in it. Repeats predict the same images, so each is "
        "tested on its own."
    )
    return TextTable("samples", "Who gets which images right", note, rows)


def _classes(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    rows = [["class", first, second, "difference", "95 % interval", "images"]]
    for row in pair_result.classes.to_dict("records"):
        scores = [f"{row[name]:.3f}" for name in ("f1_first", "f1_second")]
        scores += [f"{row['difference']:+.3f}", _interval(row, "{:+.3f}")]
        rows.append([row["class"], *scores, f"{row['support']:,}"])
    is_grouped = comparison.runs[0].result.groups is not None
    drawn = "groups of images" if is_grouped else "images within each class"
    note = (
        f"F1 of all out-of-fold predictions, differences {second} − {first}; paired bootstrap "
        f"over {drawn}, about these fitted models, each interval on its own."
    )
    return TextTable("classes", "F1 by class", note, rows)


def _ranking(comparison: Comparison, ranking: Ranking) -> TextTable:
    rows = [["run", METRICS[comparison.metric].label, "mean rank"]]
    for row in ranking.table.to_dict("records"):
        rows.append([row["run"], pair(row["mean"], row["std"], "±"), f"{row['mean_rank']:.2f}"])
    note = (
        f"Mean ± standard deviation, and mean rank, over {comparison.folds}. Folds of one data "
        "set are not independent, so ranks only describe; the tests are those of the pairs."
    )
    return TextTable("ranking", "Ranking", note, rows)


def _pairs(comparison: Comparison, ranking: Ranking) -> TextTable:
    headings = ["pair", "difference", "95 % interval", "p", "p, Holm"]
    rows = [[*headings, *_CORRECTED, "P(first better)", "P(equivalent)"]]
    for row in ranking.pairs.to_dict("records"):
        found = [number(row["difference"], "{:+.4f}"), _interval(row, of=_PROCEDURE)]
        found += [_p(row["procedure_p"]), _p(row["procedure_holm"])]
        found += [_interval(row), _p(row["p_value"])]
        found += [probability(row[name], 4) for name in ("p_better", "p_equivalent")]
        rows.append([f"{row['better']} − {row['worse']}", *found])
    note = (
        f"Procedure tests of {METRICS[comparison.metric].label}; p values Holm-corrected over "
        f"{len(ranking.pairs)} pairs, intervals not. {_WHAT_VARIES} Probabilities: Bayesian "
        f"correlated t-test, better by more than {comparison.rope:g}, or equivalent within it."
    )
    return TextTable("pairs", "Pairs", note, rows)


def _looks(comparison: Comparison, looks: Looks) -> TextTable:
    rows = [["repeats", "fits of each", "difference", "interval", "p", "level", "decision"]]
    for look in looks.looks:
        found = [number(look.estimate, "{:+.4f}"), pair(look.low, look.high, "to", "{:+.4f}")]
        found += [_p(look.p_value), f"{look.level:.4f}", look.decision]
        rows.append([str(look.repeats), str(look.fits), *found])
    note = (
        "What each look found by the procedure test. The data were looked at several times, so "
        "each look is at a level below 5 %, and its interval has the confidence that belongs to "
        f"it. Equivalent: the interval lies within ±{comparison.rope:g}."
    )
    return TextTable("looks", "Looks", note, rows)


def _tests(comparison: Comparison) -> TextTable:
    """Return what every registered test finds, those from outside of this package too."""
    tests = all_tests()
    rows = [_test_row(row, tests) for row in comparison.tests.to_dict("records")]
    # Columns that would say the same in every row are left out.
    unused = set() if comparison.ranking is not None else {"pair", "p, Holm"}
    unused |= set() if comparison.n_passes > 1 else {"repeat"}
    headings = [heading for heading in rows[0] if heading not in unused]
    note = (
        f"Differences are second − first: over folds in {METRICS[comparison.metric].label}, over "
        "images in accuracy. Probabilities: that the first run is better, that they are "
        f"practically equivalent within {comparison.rope:g}, that the second is better. "
    )
    note += " ".join(f"{test.title}: {test.question}" for test in tests.values())
    cells = [[row[heading] for heading in headings] for row in rows]
    return TextTable("tests", "Tests", note, [headings, *cells])


def _test_row(row: Mapping[Any, Any], tests: Mapping[str, StatisticalTest]) -> dict[str, str]:
    chances = [probability(row[name]) for name in ("p_first", "p_equivalent", "p_second")]
    return {
        "test": tests[row["test"]].title,
        "pair": f"{row['second']} − {row['first']}",
        "repeat": "–" if pd.isna(row["repeat"]) else str(row["repeat"] + 1),
        "difference": number(row["estimate"], "{:+.4f}"),
        "95 % interval": _interval(row),
        "p": _p(row["p_value"]),
        "p, Holm": _p(row["p_holm"]),
        "P(first / equal / second)": "–" if {*chances} == {"–"} else " / ".join(chances),
    }


def _costs(comparison: Comparison) -> TextTable:
    headings = ["run", "parameters", "multiply-adds per image", "fit, s per fold"]
    rows = [[*headings, "predict, ms per image"]]
    for row in comparison.costs.to_dict("records"):
        sizes = [number(row[name], "{:,.0f}") for name in ("n_parameters", "multiply_adds")]
        fit = pair(row["fit_time"], row["fit_time_std"], "±", "{:.1f}")
        rows.append([row["run"], *sizes, fit, number(row["predict_ms_per_image"], "{:.3f}")])
    note = (
        "Multiply-adds of the dense and convolution layers for one pass of one image; predicting "
        "may take several passes (test-time augmentation), and its milliseconds hold them all. "
        "Times are those of the machine at the time, mean ± standard deviation over folds. A "
        "dash: not recorded, or not the same in all folds."
    )
    return TextTable("costs", "Costs", note, rows)


def run_rows(comparison: Comparison) -> list[list[str]]:
    """Return a row per run after the headings: name, title, seed and command."""
    rows = [["run", "what", "seed", "command"]]
    for name, run in zip(comparison.names, comparison.runs, strict=True):
        values = run.manifest.title, run.manifest.seed, run.manifest.command
        rows.append([name, *map(plain_text, values)])
    return rows
