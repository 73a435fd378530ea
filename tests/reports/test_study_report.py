"""The tables, figures and page of studies that were made up trial by trial."""

from __future__ import annotations

import re

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from cifar_sk.displays.study_displays import ParallelCoordinatesDisplay, SliceDisplay
from cifar_sk.errors import InputError
from cifar_sk.reports.study.files import parameter_rows, summary_rows, write_study_report
from cifar_sk.tuning.study_view import StudyView
from cifar_sk.tuning.tables import StudyTables

SPACE = {
    "classifier__learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "classifier__dropout": {"low": 0.0, "high": 0.6, "step": 0.1},
    "classifier__widths": [[8], [8, 16, 32, 64, 128]],
    "randomcrop": ["passthrough", "crop:2"],
}
DISTRIBUTIONS = {
    "classifier__learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "classifier__dropout": FloatDistribution(0.0, 0.6, step=0.1),
    "classifier__widths": CategoricalDistribution(["[8]", "[8,16,32,64,128]"]),
    "randomcrop": CategoricalDistribution(["passthrough", "crop:2"]),
}
EPOCHS = 3


def tables_of(study):
    return StudyTables.of(StudyView(study))


def a_study(objectives=("accuracy",), directions=("maximize",)):
    study = optuna.create_study(directions=list(directions))
    identity = {
        "data": {"name": "<b>digits</b>", "n_samples": 90, "fingerprint": "f" * 64},
        "split": {"n_folds": 2, "n_repeats": 1, "fingerprint": "a" * 64},
        "pipeline": {"steps": {}, "params": {}},
        "space": SPACE,
        "objectives": list(objectives),
        "seed": 0,
    }
    study.set_user_attr("identity", identity)
    study.set_user_attr("objectives", list(objectives))
    study.set_user_attr("epochs_per_fold", EPOCHS)
    return study


def add(study, state, scores, number_of_widths=0, **attrs):
    """Add a trial whose folds had these scores, or that came so far."""
    rng = np.random.default_rng(len(study.trials))
    params = {
        "classifier__learning_rate": 10.0 ** rng.uniform(-4, -1),
        "classifier__dropout": 0.1 * 3,
        "classifier__widths": DISTRIBUTIONS["classifier__widths"].choices[number_of_widths],
        "randomcrop": ["passthrough", "crop:2"][len(study.trials) % 2],
    }
    reports = {}
    for fold, score in enumerate(scores):
        start = fold * (EPOCHS + 1)
        reports |= {start + epoch: score - 0.1 * (EPOCHS - epoch) for epoch in (1, 2, 3)}
        if state == TrialState.COMPLETE:
            reports[start + EPOCHS + 1] = float(np.mean(scores[: fold + 1]))
    names = StudyView(study).objectives
    costs = {name: float(attrs.get(name, 0)) for name in ("n_parameters", "fit_time")}
    means = {**costs, names[0]: float(np.mean(scores)) if scores else np.nan}
    values = [means[name] for name in names] if state == TrialState.COMPLETE else None
    done = scores if state == TrialState.COMPLETE else []
    study.add_trial(
        create_trial(
            state=state,
            values=values,
            params=params,
            distributions=DISTRIBUTIONS,
            intermediate_values=reports if len(names) == 1 else {},
            user_attrs={
                "fold_scores": [{names[0]: score} for score in done],
                "n_epochs": [EPOCHS] * len(scores),
                "fit_time": 1.5,
                **attrs,
            },
        )
    )


@pytest.fixture
def study():
    study = a_study()
    add(study, TrialState.COMPLETE, [0.5, 0.7], is_default=True, n_parameters=100)
    add(study, TrialState.COMPLETE, [0.7, 0.9], number_of_widths=1, n_parameters=200)
    add(study, TrialState.PRUNED, [0.2], n_parameters=300)
    add(study, TrialState.FAIL, [], error="ValueError: <script>alert(1)</script>")
    add(study, TrialState.FAIL, [], skipped="same as trial 0")
    add(study, TrialState.FAIL, [0.3])  # lost with its process
    for score in (0.55, 0.65, 0.75):
        add(study, TrialState.COMPLETE, [score, score], number_of_widths=1)
    return study


def test_trials_table_counts_what_was_tried(study):
    table = tables_of(study).trials
    assert list(table["number"]) == [0, 1, 2, 3, 6, 7, 8]
    assert list(table["state"])[:4] == ["complete", "complete", "pruned", "failed"]
    first = table.iloc[0]
    assert first["accuracy"] == pytest.approx(0.6)
    assert first["accuracy_std"] == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert first["classifier__dropout"] == 0.3  # not 0.30000000000000004
    assert first["n_folds_finished"] == 2
    assert first["n_epochs"] == 6
    assert first["is_default"]
    assert table["accuracy"].isna().tolist() == [False, False, True, True, False, False, False]
    assert table.iloc[3]["error"].startswith("ValueError")


def test_curves_stand_where_their_folds_are(study):
    curves = tables_of(study).curves
    first = curves[curves["number"] == 0]
    assert first["position"].tolist() == [1, 2, 3, 3, 4, 5, 6, 6]  # epochs, and the ends of folds
    assert first["fold"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert first["is_end"].tolist() == [False, False, False, True] * 2
    assert first["value"].iloc[3] == 0.5
    assert set(curves["number"]) == {0, 1, 2, 6, 7, 8}


def test_importances_need_differences():
    study = a_study()
    for _ in range(3):
        add(study, TrialState.COMPLETE, [0.5, 0.5])
    assert tables_of(study).importances.empty
    add(study, TrialState.COMPLETE, [0.5, 0.5])
    assert tables_of(study).importances.empty  # four trials, one score


def test_importances_need_parameters_that_tell_trials_apart():
    study = a_study()
    params = {
        name: space.high if hasattr(space, "high") else space.choices[0]
        for name, space in DISTRIBUTIONS.items()
    }
    for value in (0.1, 0.2, 0.3, 0.4, 0.5):
        study.add_trial(create_trial(value=value, params=params, distributions=DISTRIBUTIONS))
    assert tables_of(study).importances.empty


def test_integers_stay_integers_though_a_trial_lacks_them(study):
    table = tables_of(study).trials
    assert table["n_parameters"].isna().any()
    assert table.to_csv().splitlines()[1].split(",").count("100") == 1


def test_places_of_trials_on_the_axes_of_parameters():
    trials = pd.DataFrame(
        {
            "number": [0, 1, 2],
            "log_loss": [2.0, 1.0, 1.5],
            "rate": [1e-4, 1e-2, 1e-3],
            "dropout": [0.0, 0.5, 0.25],
            "widths": ["[8]", "[8,16]", "[8]"],
            "size": [32.0, 64.0, 64.0],  # pandas made floats of them
            "crop": [None, "crop:2", None],
        }
    )
    space = {
        "rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "widths": [[8], [8, 16]],
        "size": [32, 64],
        "crop": [None, "crop:2"],
    }
    slices = SliceDisplay(trials, space, "log_loss")
    assert slices.frame().to_numpy().tolist() == [
        [1e-4, 0.0, 0, 0, 0],
        [1e-2, 0.5, 1, 1, 1],
        [1e-3, 0.25, 0, 1, 0],
    ]
    slices.plot()
    drawn = slices.ax_[0].collections[0].get_offsets()
    assert drawn.tolist() == [[1e-4, 2.0], [1e-2, 1.0], [1e-3, 1.5]]
    assert slices.ax_[0].get_xscale() == "log"
    assert [text.get_text() for text in slices.ax_[2].get_xticklabels()] == ["[8]", "[8,16]"]
    lines = ParallelCoordinatesDisplay(trials, space, "log_loss", greater_is_better=False)
    heights = lines.frame()
    assert heights.index.tolist() == [0, 2, 1]  # the best is drawn last, over the others
    assert heights.loc[2].tolist() == pytest.approx([0.5, 0.5, 0, 1, 0, 0.5])
    darkness = [-sum(line.get_color()[:3]) for line in lines.plot().ax_[0].get_lines()[:3]]
    assert darkness == sorted(darkness)


def test_importances_name_what_matters():
    study = a_study()
    for place in range(20):
        add(study, TrialState.COMPLETE, [0.2 + 0.5 * (place % 4 > 1)] * 2, place % 4 // 2)
    importances = tables_of(study).importances
    assert importances["parameter"].iloc[0] == "classifier__widths"
    assert importances["importance"].iloc[0] > 0.8
    assert importances["importance"].sum() == pytest.approx(1)


def test_the_front_is_what_nothing_beats():
    study = a_study(("accuracy", "n_parameters"), ("maximize", "minimize"))
    for score, size in [(0.5, 10), (0.6, 20), (0.55, 30), (0.7, 40), (0.5, 50)]:
        add(study, TrialState.COMPLETE, [score, score], n_parameters=size)
    front = tables_of(study).front
    assert front["n_parameters"].tolist() == [40, 20, 10]
    assert front["accuracy"].tolist() == pytest.approx([0.7, 0.6, 0.5])


def test_files_of_a_study(study, tmp_path):
    held_out = [["model", "accuracy"], ["tuned", "0.7 ± 0.1"], ["default", "<i>0.6</i>"]]
    info = {"title": "A & B", "fallback": "the digits stand in"}
    tables = tables_of(study)
    written = write_study_report(tables, tmp_path, info=info, held_out=held_out)
    names = {path.relative_to(tmp_path).as_posix() for path in written}
    assert {"trials.csv", "importances.csv", "report.html"} <= names
    figures = ["optimization_history", "learning_curves", "param_importances", "slice"]
    assert {f"figures/{name}.png" for name in [*figures, "parallel_coordinate"]} <= names
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in tmp_path.glob("figures/*"))
    page = (tmp_path / "report.html").read_text()
    assert "Selected, hence optimistic" in page
    assert "0.8000 ± 0.1414" in page
    assert "On images that the study never saw" in page
    assert "&lt;b&gt;digits&lt;/b&gt;" in page
    assert page.count("<script>") == 1  # the page's own
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"alert\(1\)<|<b>|<i>|https?://", page)
    assert "7 trials: 5 complete, 1 pruned, 1 failed" in page
    assert f"{6 * 5 + 3} epochs trained" in page
    assert "largest of 7 noisy numbers" in page
    assert "Trial 3: <code>ValueError: &lt;script&gt;alert(1)" in page
    again = tmp_path / "again"
    again.mkdir()
    write_study_report(tables_of(study), again, info=info, held_out=held_out)
    for name in names:
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_files_of_a_study_with_two_objectives(tmp_path):
    study = a_study(("log_loss", "n_parameters"), ("minimize", "minimize"))
    for score, size in [(0.5, 10), (0.4, 20), (0.6, 30)]:
        add(study, TrialState.COMPLETE, [score, score], n_parameters=size)
    write_study_report(tables_of(study), tmp_path)
    assert pd.read_csv(tmp_path / "pareto.csv")["n_parameters"].tolist() == [20, 10]
    assert (tmp_path / "figures" / "pareto_front.png").exists()
    page = (tmp_path / "report.html").read_text()
    assert "not estimated from fewer than four" in page
    assert "smallest of 3 noisy numbers" in page


def test_a_study_with_three_objectives_is_reported(tmp_path):
    names = ("accuracy", "n_parameters", "fit_time")
    study = a_study(names, ("maximize", "minimize", "minimize"))
    for score, size, seconds in [(0.5, 10, 3), (0.6, 20, 2), (0.55, 30, 1), (0.5, 40, 4)]:
        add(study, TrialState.COMPLETE, [score] * 2, n_parameters=size, fit_time=seconds)
    write_study_report(tables_of(study), tmp_path)
    assert pd.read_csv(tmp_path / "pareto.csv")["number"].tolist() == [1, 2, 0]
    assert "two of the objectives" in (tmp_path / "report.html").read_text()


def test_a_study_with_one_trial_is_reported(tmp_path):
    study = a_study()
    add(study, TrialState.COMPLETE, [0.5, 0.5])
    write_study_report(tables_of(study), tmp_path)
    assert not (tmp_path / "importances.csv").exists()
    assert (tmp_path / "figures" / "slice.png").exists()


def test_summary_shows_the_best_and_the_defaults(study):
    tables = tables_of(study)
    rows = summary_rows(tables)
    assert rows[0] == ["trial", "accuracy"]
    assert [row[0] for row in rows[1:]] == ["1", "8", "7", "0 (defaults)", "6"]
    rows = parameter_rows(tables)
    assert rows[0] == ["parameter", "trial 1", "default"]
    assert ["classifier__widths", "[8,16,32,64,128]", "[8]"] in rows


def test_what_cannot_be_reported(study, tmp_path):
    with pytest.raises(InputError, match="existing folder"):
        write_study_report(tables_of(study), tmp_path / "missing")
    nothing = a_study()
    add(nothing, TrialState.PRUNED, [0.1])
    with pytest.raises(InputError, match="none yet"):
        tables_of(nothing)
