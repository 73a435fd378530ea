"""The page of promises names tests that exist, and figures that were measured."""

import re
from pathlib import Path

import pandas as pd

from studies.benchmarks.faults import markdown

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 20
    for file, name in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), f"{file}::{name}"
    promises = [line for line in PAGE.splitlines() if line.startswith("| ") and "::" in line]
    assert len(promises) >= 15


def test_the_figures_are_those_of_the_table():
    table = pd.read_csv(ROOT / "results" / "benchmarks" / "faults.csv")
    assert markdown(table) in PAGE
