"""Class names that tables, spreadsheets, figures and pages could stumble over."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import as_of_an_older_version, made_run
from sklearn.dummy import DummyClassifier
from sklearn.utils import Bunch
from test_report import Page

from cifar_sk.displays import (
    ClassScoresDisplay,
    ConfusedPairsDisplay,
    ConfusionDisplay,
    ParallelCoordinatesDisplay,
    SampleGridDisplay,
    SliceDisplay,
)
from cifar_sk.displays.dataset_samples import draw_samples
from cifar_sk.errors import InputError
from cifar_sk.evaluation import cross_validate_oof
from cifar_sk.reports import RunTables
from cifar_sk.reports.run.page import render_page
from cifar_sk.runs.files import csv_bytes, unquoted
from cifar_sk.runs.reading import read_run

NAMES = (r"$\frac$", "x" * 5_000, "x" * 4_999 + "\ny", "=1+<b>1</b>")
RESULT = replace(made_run("a", [0.5, 0.7], n_test=12).result, class_names=NAMES)
IMAGES = np.zeros((24, 8, 8), np.uint8)


def texts(figure):
    from matplotlib.text import Text

    figure.draw_without_rendering()  # matplotlib parses mathematics now
    return [text for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ConfusionDisplay.from_result(RESULT).plot().figure_,
        lambda: ClassScoresDisplay.from_result(RESULT).plot().figure_,
        lambda: SampleGridDisplay.from_result(RESULT, IMAGES).plot().figure_,
        lambda: ConfusedPairsDisplay.from_result(RESULT, IMAGES).plot().figure_,
        lambda: draw_samples(
            Bunch(name="$a_$", images=IMAGES[..., None], target=RESULT.target, target_names=NAMES)
        ),
    ],
)
def test_figures_write_names_as_they_are_and_short(draw):
    figure = draw()
    found = texts(figure)
    assert any(r"$\frac$" in text.get_text() for text in found)
    assert all(len(text.get_text()) < 120 for text in found)
    assert max(figure.get_size_inches()) < 15


@pytest.mark.parametrize("display", [SliceDisplay, ParallelCoordinatesDisplay])
def test_figures_of_studies_write_choices_as_they_are(display):
    space = {"a__$x_$": [r"$\frac$", "y" * 5_000], "a__b": [1, 2]}
    trials = pd.DataFrame(
        {"number": [0, 1], "a__$x_$": space["a__$x_$"], "a__b": [1, 2], "score": [0.1, 0.2]}
    )
    found = texts(display(trials, space, "score").plot().figure_)
    assert any(r"$\frac$" in text.get_text() for text in found)
    assert all(len(text.get_text()) < 60 for text in found)


def test_a_page_escapes_names_and_shortens_long_ones():
    html = render_page(RunTables(RESULT), [], {})
    page = Page(html)
    assert r"$\frac$" in page.text
    assert "=1+<b>1</b>" in page.text
    assert "b" not in {tag for tag, _ in page.tags}
    assert "x" * 81 not in html
    assert len(html) < 150_000


# --- tables


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "\na", "'=a", "''@"])
def test_a_spreadsheet_shows_a_name_and_does_not_run_it(name):
    table = pd.DataFrame({"class": [name, "cat", None], name: [0.5, -0.5, 3]})
    table.index = pd.Index([name, "b", 1])
    rows = list(csv.reader(io.StringIO(csv_bytes(table, index=True).decode(), newline="")))
    cells = [rows[0][2], rows[1][0], rows[1][1]]
    assert cells == [f"'{name}"] * 3
    assert [unquoted(cell) for cell in cells] == [name] * 3
    assert [row[2] for row in rows[1:]] == ["0.5", "-0.5", "3.0"]
    assert [row[1] for row in rows[2:]] == ["cat", ""]


@given(st.text(st.sampled_from("=+-@'\t1.ae "), max_size=6))
def test_what_is_written_into_a_table_is_read_again(name):
    table = csv_bytes(pd.DataFrame({"class": [name], "end": ["."]})).decode()
    ((read, _),) = list(csv.reader(io.StringIO(table, newline="")))[1:]
    assert unquoted(read) == name


def test_tables_without_formulas_stay_as_they_are():
    table = pd.DataFrame(
        {"a": ["-1", "-1e3", "cat", "'cat"], "b": [1, None, -2.5, 3], "c": [1, None, "x", -1.5]}
    )
    assert csv_bytes(table) == table.to_csv(index=False, lineterminator="\n").encode()


@pytest.mark.parametrize("is_quoted", [False, True])
def test_a_run_of_an_older_version_has_its_own_class_names(tmp_path, is_quoted):
    y = np.arange(20) % 2
    names = ["=cat", "'dog"]
    X = np.zeros((20, 4, 4, 1), np.uint8)
    cross_validate_oof(DummyClassifier(), X, y, cv=2, class_names=names, store=tmp_path / "run")
    (tmp_path / "run/target.npy").unlink()
    as_of_an_older_version(tmp_path / "run")
    table = pd.DataFrame({"sample": range(20), "true": np.array(names, object)[y]})
    content = csv_bytes(table) if is_quoted else table.to_csv(index=False).encode()
    (tmp_path / "run/oof_predictions.csv").write_bytes(content)
    assert read_run(tmp_path / "run").result.target.tolist() == y.tolist()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat", "cat"], "two classes are called 'cat'"),
        ([1, "1"], "two classes are called '1'"),
        (["cat", "\udce9"], "name it in Unicode"),
        (["cat", ""], "a class is called ''"),
    ],
)
def test_class_names_are_refused_before_the_first_fold(names, message):
    y = np.arange(20) % 2
    options = {"class_names": names, "listener": pytest.fail}  # it is told of the first fold
    with pytest.raises(InputError, match=message):
        cross_validate_oof(DummyClassifier(), y[:, None], y, **options)
