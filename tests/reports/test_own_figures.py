"""Figures of another package: of an installed one, or named on the command line."""

import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.reports import FIGURES, write_report

MODULE = '''
from matplotlib.figure import Figure

def ranking(tables):
    """F1 of every <class>, as bars.

    More than the first line is for programmers.
    """
    assert tables.images is not None
    figure = Figure(figsize=(3, 2))
    means = tables.class_f1.mean(axis=1)
    figure.subplots().barh(list(means.index), means)
    return figure

def nothing(tables):
    return None
'''
ENTRY_POINTS = "[cifar_sk.figures]\nranking = mine:ranking\nnothing = mine:nothing\n"
CV = ["--model", "dummy", "--dataset", "digits", "--limit", "60", "--folds", "2", "--quiet"]


def run(folder, command, *words):
    words = [sys.executable, "-m", f"cifar_sk.{command}", *words]
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE)
    return tmp_path


def install(folder):
    """Put there what an installer leaves of a package with entry points."""
    info = folder / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return info


def test_a_figure_of_an_installed_package_is_drawn_and_goes_with_its_run(folder):
    info = install(folder)
    run(folder, "cv", *CV, "--run", "own")
    figures = folder / "results" / "own" / "figures"
    with Image.open(figures / "ranking.png") as picture:
        assert picture.size == (450, 300)  # inches at 150 a piece
    assert not (figures / "nothing.png").exists()
    page = (folder / "results" / "own" / "report.html").read_text(encoding="utf-8")
    assert "<figcaption>F1 of every &lt;class&gt;, as bars.</figcaption>" in page
    assert ">ranking</h2>" in page
    # Without the package, a run in its place takes away its figure, and no other file.
    for file in info.iterdir():
        file.unlink()
    info.rmdir()
    (figures / "holiday.png").write_bytes(b"mine")
    run(folder, "cv", *CV, "--run", "own", "--overwrite")
    assert not (figures / "ranking.png").exists()
    assert (figures / "holiday.png").read_bytes() == b"mine"
    assert (figures / "samples.png").exists()


def test_a_figure_of_the_command_line_comes_to_a_finished_run(folder):
    run(folder, "cv", *CV, "--run", "own")
    kept = (folder / "results" / "own" / "fold_metrics.csv").read_bytes()
    run(folder, "report", "results/own", "--figure", "mine:ranking")
    results = folder / "results" / "own"
    assert (results / "figures" / "mine.ranking.png").exists()
    assert "F1 of every &lt;class&gt;" in (results / "report.html").read_text(encoding="utf-8")
    assert (results / "fold_metrics.csv").read_bytes() == kept


@pytest.mark.parametrize(
    ("name", "drawn", "match"),
    [("figure", "text", "return a matplotlib Figure, got str"), ("../up", Figure(), "a file")],
)
def test_what_is_no_figure_is_refused(tmp_path, name, drawn, match):
    fold = FoldResult(0, 0, 0, 2, np.arange(2), np.eye(2))
    result = OOFResult(np.arange(2), np.arange(2), ("cat", "dog"), 1, 1, (fold,))
    FIGURES.register(name)(lambda tables: drawn)
    try:
        with pytest.raises(InputError, match=match):
            write_report(result, tmp_path)
    finally:
        FIGURES.remove(name)
    assert list(tmp_path.iterdir()) == []
