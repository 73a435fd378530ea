"""Which runs can be compared, and the sentences on what was found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made_runs import made_run, with_folds

from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.comparison.alike import check_alike, remarks, run_names
from cifar_sk.comparison.tests.holm import holm
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.wording import amount, interval, p_text, probability, region, signed
from cifar_sk.errors import InputError
from cifar_sk.metrics import fold_metrics
from cifar_sk.metrics.influences import pair_spread
from cifar_sk.reports.comparison.rows import comparison_tables
from cifar_sk.statistics import half_width, p_value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (amount(0.1421, "accuracy"), "14.2 points"),
        (amount(0.01, "accuracy"), "1.0 point"),
        (amount(-0.25, "log_loss"), "0.2500"),
        (region(0.01, "accuracy"), "1 point"),
        (region(0.0025, "accuracy"), "0.25 points"),
        (region(0.02, "log_loss"), "0.02"),
        (signed(-0.004, "accuracy"), "−0.4 points"),
        (signed(0.0, "accuracy"), "0.0 points"),
        (interval(-0.0123, 0.02, "accuracy"), "[−1.2, 2.0]"),
        (p_text(1e-9), "p < 0.0001"),
        (p_text(0.0312), "p = 0.031"),
        (p_text(0.04996), "p = 0.04996"),
        (p_text(0.4), "p = 0.40"),
        (probability(0.99999), "> 0.999"),
        (probability(0.9496), "0.9496"),
        (probability(0.3), "0.300"),
        (probability(0.3, 4), "0.3000"),
        (probability(1.0, 4), "> 0.9999"),
        (probability(1e-9, 4), "< 0.0001"),
        (probability(0.94999, 4), "0.94999"),
        (p_text(0.9999), "p > 0.99"),
    ],
)
def test_numbers_are_written_without_crossing_a_threshold(text, expected):
    assert text == expected


# --- which runs can be compared -----------------------------------------------------------


def test_other_data_or_folds_are_named():
    run = made_run("ann", [0.5, 0.6])
    other = made_run("cnn", [0.5, 0.6], data={"fingerprint": "e" * 64})
    with pytest.raises(InputError, match=r"data\.fingerprint was 'f+' and is 'e+'; run both"):
        check_alike([run, other])
    split = replace(run.manifest.split, n_folds=3, fingerprint="b" * 64)
    three_folds = made_run("cnn", [0.5, 0.6, 0.7], split=split)
    with pytest.raises(InputError, match=r"split\.n_folds was 2 and is 3"):
        check_alike([run, three_folds])
    with pytest.raises(InputError, match="two runs or more, got 1"):
        check_alike([run])
    with pytest.raises(InputError, match="given twice"):
        check_alike([run, made_run("../results/ann", [0.5, 0.6])])


def test_runs_that_say_nothing_of_themselves_are_judged_by_what_they_hold():
    def silent(name, **data):
        run = made_run(name, [0.5, 0.6], data={"fingerprint": "", **data})
        split = replace(run.manifest.split, fingerprint=None)
        return replace(run, manifest=replace(run.manifest, split=split))

    run = silent("ann")
    with pytest.raises(InputError, match="the samples of the folds differ"):
        check_alike([run, with_folds(silent("cnn"), n_train=7)])
    with pytest.raises(InputError, match="the class names differ"):
        check_alike([run, silent("cnn", class_names=tuple("abcd"))])
    turned = silent("cnn")
    turned = replace(turned, result=replace(turned.result, target=turned.result.target[::-1]))
    with pytest.raises(InputError, match="the true classes of the samples differ"):
        check_alike([run, turned])
    check_alike([run, silent("cnn")])


def test_names_are_as_long_as_needed():
    runs = [made_run(name, [0.5, 0.6]) for name in ("x/cnn", "y/cnn", "y/ann")]
    assert run_names(runs) == ("x/cnn", "y/cnn", "y/ann")
    assert run_names(runs[1:]) == ("cnn", "ann")


def test_remarks_say_what_the_manifests_tell():
    plain = made_run("a", [0.5, 0.6], machine={"cpu": "x"})
    other = made_run(
        "b",
        [0.5, 0.6],
        seed=7,
        machine={"cpu": "y"},
        command="python -m cifar_sk.cv --params 'my best.json'",
        data={"fallback": "Digits."},
    )
    chosen = replace(other, manifest=replace(other.manifest, selected="A study chose."))
    assert remarks([chosen], ["b"])[-1] == "b: A study chose."
    elsewhere = replace(other, manifest=replace(other.manifest, selected=""))
    assert not [said for said in remarks([elsewhere], ["b"]) if "selected" in said]
    text = " ".join(remarks([plain, with_folds(other, best_params={"C": 1})], ["a", "b"]))
    for part in (
        "a 0, b 7",
        "the runs had different machines.",
        "my best.json",
        "Digits.",
        "inside every",
    ):
        assert part in text
    assert remarks([plain, plain], ["a", "a2"]) == []


# --- the comparison and its conclusion ----------------------------------------------------

LOW, HIGH = [0.50, 0.52, 0.51, 0.49, 0.50], [0.64, 0.67, 0.655, 0.63, 0.65]


@cache
def compared(*shares, seeds, metric="accuracy", **options):
    runs = [
        made_run(f"r{number}", share, draw=seed, **options)
        for number, (share, seed) in enumerate(zip(shares, seeds, strict=True))
    ]
    comparison = compare_runs(runs, metric=metric, n_resamples=200)
    return comparison, " ".join(conclusion(comparison))


def sentences(*shares, seeds=(1, 2), **options):
    return compared(*map(tuple, shares), seeds=seeds, **options)


def test_tables_hold_what_their_parts_compute():
    comparison, _ = sentences(LOW, HIGH)
    table = comparison.metrics.set_index("metric")
    tables = [fold_metrics(run.result).iloc[:5] for run in comparison.runs]
    for metric in ("accuracy", "log_loss", "mcc"):
        differences = (tables[1][metric] - tables[0][metric]).to_numpy(dtype=float)
        expected = corrected_paired_t_test(differences, test_train_ratio=0.25)
        found = table.loc[metric, ["difference", "low", "high", "p_value"]]
        np.testing.assert_allclose(
            found.astype(float), [expected.estimate, expected.low, expected.high, expected.p_value]
        )
    others = table[table["same_test_as"] == ""].drop("accuracy")
    np.testing.assert_allclose(others["p_holm"], holm(others["p_value"]))
    assert np.isnan(table.loc["accuracy", "p_holm"])
    assert table.loc["accuracy", "r0_mean"] == pytest.approx(np.mean(LOW))
    for metric in ("accuracy", "log_loss", "mcc"):
        spread = pair_spread(*(run.result for run in comparison.runs), metric)
        low, high, p = table.loc[metric, ["procedure_low", "procedure_high", "procedure_p"]]
        half = half_width(spread)
        assert (low, high) == pytest.approx((spread.mean - half, spread.mean + half))
        assert p == p_value(spread)
    found = comparison.tests.set_index("test").loc["procedure"]
    assert found["p_value"] == comparison.pair.procedure.p_value == found["p_holm"]
    found = comparison.tests.set_index("test").loc["nadeau-bengio"]
    assert found["p_value"] == comparison.pair.test.p_value == found["p_holm"]
    costs = comparison.costs.set_index("run")
    assert costs.loc["r0", "fit_time"] == pytest.approx(4.0)
    assert costs.loc["r0", "predict_ms_per_image"] == pytest.approx(1.0)
    assert np.isnan(costs.loc["r0", "n_parameters"])


def balanced_run(name, skill, draw):
    """Make a run whose five folds hold as many images of every class."""
    run = made_run(name, [0.5] * 5, n_test=40)
    target, generator = run.result.target, np.random.default_rng(draw)
    proba = generator.dirichlet(np.ones(4), len(target)) + skill * np.eye(4)[target]
    proba /= proba.sum(axis=1, keepdims=True)
    parts = [np.flatnonzero(np.arange(200) // 4 % 5 == fold) for fold in range(5)]
    pairs = zip(run.result.folds, parts, strict=True)
    folds = [replace(fold, test_index=part, proba=proba[part]) for fold, part in pairs]
    return replace(run, result=replace(run.result, folds=tuple(folds)))


def test_metrics_that_are_one_test_on_balanced_folds_count_once():
    comparison = compare_runs([balanced_run("a", 0.2, 1), balanced_run("b", 0.35, 2)])
    table = comparison.metrics.set_index("metric")
    same = table.loc[table["same_test_as"] != "", "same_test_as"].to_dict()
    as_accuracy = ("balanced_accuracy", "recall_macro", "recall_weighted", "cohen_kappa")
    weighted = {"precision_weighted": "precision_macro", "f1_weighted": "f1_macro"}
    assert same == {**dict.fromkeys(as_accuracy, "accuracy"), **weighted}
    distinct = table.drop([*same, "accuracy"])
    steps = np.sort(distinct["p_value"]) * np.arange(8, 0, -1)
    expected = np.minimum(np.maximum.accumulate(steps), 1)
    np.testing.assert_allclose(np.sort(distinct["p_holm"]), expected)
    steps = np.sort(distinct["procedure_p"]) * np.arange(8, 0, -1)
    expected = np.minimum(np.maximum.accumulate(steps), 1)
    np.testing.assert_allclose(np.sort(distinct["procedure_holm"]), expected)
    assert table.loc["f1_weighted", "p_holm"] == table.loc["f1_macro", "p_holm"]
    assert table.loc[list(as_accuracy), "p_holm"].isna().all()
    (said,) = (sentence for sentence in conclusion(comparison) if "Holm" in sentence)
    assert "the other 8 metrics (those that are one and the same test counted once)" in said
    assert f"b is better in {(distinct['procedure_holm'] < 0.05).sum()} by" in said
    rows = {row[0]: row[-3] for row in comparison_tables(comparison)[0].rows}
    assert rows["Cohen's kappa"] == "as accuracy"
    assert rows["accuracy (primary)"] == "–"


def test_a_clear_difference_is_stated():
    _, text = sentences(LOW, HIGH)
    assert text.startswith("r1 is better than r0 by 14.5 points of accuracy, 95 % interval [11.")
    assert "rests on the procedure test, because it counts both other images and other" in text
    assert "in its interval vary the 1,000 images, and training sets and seeds" in text
    assert (
        "corrected paired t-test, in whose interval varies what the folds alone show, finds"
        in text
    )
    assert "about these fitted models only" in text
    assert "With probability > 0.999, r1 is better by more than 1 point" in text
    assert "the fitted models of r1 are right more often" in text
    assert "r1 is better in" in text
    assert "disagree" not in text
    assert "cannot tell" not in text


def test_the_order_of_the_runs_does_not_turn_the_conclusion():
    _, text = sentences(HIGH, LOW)
    assert text.startswith("r0 is better than r1 by 14.5 points of accuracy, 95 % interval [11.")
    assert "With probability > 0.999, r0 is better by more than 1 point" in text


def test_what_folds_cannot_tell_apart_is_not_called_equal():
    _, text = sentences(LOW, [0.53, 0.49, 0.52, 0.47, 0.51])
    assert text.startswith(
        "5 folds cannot tell r0 and r1 apart in accuracy: r1 − r0 is 0.0 points"
    )
    assert "no evidence that they are equally good" in text
    assert "reaches no verdict" in text
    assert "practically equivalent: " not in text
    assert "is better than" not in text


def test_practical_equivalence_is_stated_only_where_it_is_probable():
    close = [0.501, 0.520, 0.511, 0.490, 0.499]
    comparison, text = sentences(LOW, close, seeds=(1, 1), n_test=1000)  # nearly the same images
    assert comparison.pair.posterior.verdict(0.01).equivalent >= 0.95
    assert "They are practically equivalent: with probability" in text
    assert "no evidence that" not in text
    assert "a hint" not in text
    _, text = sentences(LOW, close, n_test=1000)
    assert "reaches beyond 1 point, so practical equivalence is a hint, and no finding" in text
    assert "no evidence that" in text


def test_a_difference_too_small_to_matter_is_both():
    above = [0.504, 0.525, 0.514, 0.495, 0.504]
    comparison, text = sentences(LOW, above, seeds=(1, 1), n_test=1000)
    assert comparison.pair.procedure.p_value < 0.05
    assert text.startswith("r1 is better than r0 by 0.44 points of accuracy, 95 % interval [0.")
    assert "too small to matter" in text


def test_the_corrected_t_test_is_said_to_disagree():
    """Other images would move it more than these folds, which happen to be alike, show."""
    above = [0.504, 0.525, 0.514, 0.495, 0.504]
    comparison, text = sentences(LOW, above, n_test=1000)
    assert comparison.pair.test.p_value < 0.05 < comparison.pair.procedure.p_value
    assert text.startswith("5 folds cannot tell")
    assert "folds differ by less than their images alone make folds differ" in text
    # The other way round: folds that differ a little more than their images make them.
    comparison, text = sentences(LOW, [0.50, 0.61, 0.56, 0.60, 0.54], seeds=(1, 1))
    assert comparison.pair.procedure.p_value < 0.05 < comparison.pair.test.p_value
    assert text.startswith("r1 is better than r0 by")
    assert "does not find it" in text
    assert "deep trees on few images, it is the safer of the two" in text


def test_the_same_images_may_have_two_names():
    copy = {"name": "pets_copy"}
    runs = [made_run("a", LOW), made_run("b", HIGH, draw=1, data=copy)]
    check_alike(runs)
    other = made_run("b", HIGH, draw=1, data=copy | {"fingerprint": "e" * 64})
    with pytest.raises(InputError, match=r"fingerprint was .* data.name was 'pets'"):
        check_alike([runs[0], other])


def test_runs_are_not_ranked_by_what_is_undefined_in_a_fold(monkeypatch):
    runs = [made_run(name, LOW, draw=seed) for seed, name in enumerate("abc")]
    table = fold_metrics(runs[0].result)
    table.loc[1, "roc_auc"] = np.nan
    monkeypatch.setattr("cifar_sk.comparison.runs.fold_metrics", lambda _: table)
    with pytest.raises(InputError, match="roc_auc is undefined in a fold of a"):
        compare_runs(runs, metric="roc_auc")


def test_what_cannot_be_tested_is_not_called_untold():
    level = [0.5] * 5
    runs = [
        made_run(name, shares, draw=3) for name, shares in zip("ab", (level, level), strict=True)
    ]
    runs.append(made_run("c", HIGH, draw=1))
    text = " ".join(conclusion(compare_runs(runs)))
    assert "No test could be made of a and b" in text
    assert "Not told apart" not in text


def test_tests_that_disagree_are_said_to():
    comparison, text = sentences(LOW, [0.50, 0.80, 0.51, 0.49, 0.80])
    assert comparison.pair.test.p_value > 0.05
    assert (comparison.pair.mcnemar["p_value"] < 0.05).all()
    assert text.startswith("5 folds cannot tell")
    assert "The tests disagree" in text


def test_identical_predictions_and_equal_scores():
    _, text = sentences(LOW, LOW, seeds=(1, 1))
    assert text.startswith("r0 and r1 predict the same class for every image.")
    comparison, text = sentences(LOW, LOW)  # right on other images, equally often
    assert comparison.pair.procedure.high > 0.02
    assert text.startswith(
        "5 folds cannot tell r0 and r1 apart in accuracy: r1 − r0 is 0.0 points"
    )
    _, text = sentences(LOW, [share + 0.05 for share in LOW])
    assert text.startswith("r1 is better than r0 by 5.0 points of accuracy, 95 % interval [1.")
    assert "cannot be made, for the difference is the same in every fold" in text


def test_lower_is_better_for_losses():
    _, text = sentences(LOW, HIGH, metric="log_loss")
    assert text.startswith("r1 is better than r0 by 0.2822 of log loss, 95 % interval [0.21")


def test_repeats_are_tested_each_on_its_own():
    shares = [[*LOW, *[0.51] * 5], [*HIGH, 0.65, 0.66, 0.64, 0.65, 0.66]]
    comparison, text = sentences(*shares, n_repeats=2)
    assert comparison.pair.mcnemar["repeat"].tolist() == [0, 1]
    assert "2 × 5 folds" in text
    assert "In repeat 1, of the 1,000 images" in text
    assert "In repeat 2, of the 1,000 images" in text
    many = [share * 4 for share in (LOW, HIGH)]
    _, text = sentences(*many, n_repeats=4, n_test=60)
    assert "in each of 4 repeats on its own" in text
    assert "those of r1 in 4" in text


def test_seeds_are_passes_of_their_own():
    comparison, text = sentences(LOW * 2, HIGH * 2, n_seeds=2, n_test=60)
    assert comparison.pair.mcnemar[["repeat", "seed"]].to_numpy().tolist() == [[0, 0], [0, 1]]
    assert "in its interval vary the 300 images, the training sets and the seeds, as" in text
    assert "In seed 2, of the 300 images" in text
    table = comparison_tables(comparison)[2].rows
    assert [row[:2] for row in table] == [["repeat", "seed"], ["1", "1"], ["1", "2"]]


def test_several_runs_are_ranked_in_words():
    middle = [0.635, 0.68, 0.645, 0.635, 0.66]
    comparison, text = sentences(LOW, HIGH, middle, seeds=(1, 2, 3))
    assert comparison.pair is None
    assert comparison.ranking.cliques == (("r1", "r2"), ("r0",)) or (
        comparison.ranking.cliques == (("r2", "r1"), ("r0",))
    )
    best, second = comparison.ranking.table["run"].iloc[:2]
    assert text.startswith(f"{best} has the best mean accuracy (0.65")
    assert f"cannot tell it apart from {second}" in text
    assert f"{second} is better than r0 by" in text
    assert "Holm-corrected over 3 pairs" in text
    assert "selected number" in text


def test_unknown_metrics_and_regions_are_refused():
    runs = [made_run(name, LOW, draw=number) for number, name in enumerate("ab")]
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        compare_runs(runs, metric="acuracy")
    with pytest.raises(InputError, match="rope must be a finite number from 0 on"):
        compare_runs(runs, rope=-0.1)
