"""Whether the tables in a run's folder are those that its predictions give."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd

from cifar_sk.errors import reason
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.conformal import CONFORMAL_FILE
from cifar_sk.reports.run.files import conformal_files, mistake_files, score_files
from cifar_sk.reports.run.tables import RunTables

__all__ = ["IDENTICAL", "OLDER", "ROUNDED", "compare_tables"]

IDENTICAL, ROUNDED = "identical", "within rounding"
OLDER = f"{ROUNDED} in what both versions say alike: written by an older version"
# Versions that kept the times in fold_metrics.csv broke ties of top-3 accuracy otherwise, gave an
# interval of width 0 where folds are equal, and did not write these tables.
_CHANGED_COLUMNS = ["fit_time", "score_time", "top_3_accuracy", "test_split_top_3_accuracy"]
_CHANGED_ROWS = ["ci95_low", "ci95_high"]
_NEW_TABLES = {"conformal.csv", "intervals.csv", "times.csv", "variance_components.csv"}
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12  # other processors sum floats in another order


def compare_tables(result: OOFResult, folder: Path) -> dict[str, str]:
    """Compute a run's tables again, and say of each file how it compares with that."""
    tables = RunTables(result)
    contents = {**score_files(tables), **mistake_files(tables), **conformal_files(tables)}
    contents.pop(CONFORMAL_FILE, None)  # no table: where floats are rounded otherwise, it differs
    is_older = _holds_times(folder / "fold_metrics.csv")
    if is_older:
        # A report of this version may have added some since.
        absent = {name for name in _NEW_TABLES if not (folder / name).exists()}
        contents = {name: table for name, table in contents.items() if name not in absent}
    outcomes = {}
    for name, computed in contents.items():
        try:
            stored = (folder / name).read_bytes()
            outcomes[name] = _compare(stored, computed, is_older and name == "fold_metrics.csv")
        except FileNotFoundError:
            outcomes[name] = "missing"
        except OSError as error:
            outcomes[name] = f"different: it cannot be read ({reason(error)})"
    return outcomes


def _holds_times(table: Path) -> bool:
    try:
        with table.open("rb") as file:
            return b",fit_time," in file.readline()
    except OSError:
        return False


def _compare(stored: bytes, computed: bytes, is_older: bool) -> str:
    if stored == computed:
        return IDENTICAL
    try:
        found, expected = _table(stored), _table(computed)
    except ValueError as error:
        return f"different: it cannot be read ({reason(error)})"
    if is_older:
        found, expected = _said_alike(found), _said_alike(expected)
    if list(found.columns) != list(expected.columns):
        other = sorted({*found.columns} ^ {*expected.columns})
        return f"different: columns {', '.join(other) or 'in another order'}"
    if len(found) != len(expected):
        return f"different: {len(found)} rows, and {len(expected)} computed"
    outcome = _compare_cells(found, expected)
    return OLDER if is_older and outcome == ROUNDED else outcome


def _table(content: bytes) -> pd.DataFrame:
    """Read a table as text, for pandas' own reading of floats may miss the last bit."""
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


def _said_alike(table: pd.DataFrame) -> pd.DataFrame:
    """Leave away what older versions said otherwise in ``fold_metrics.csv``."""
    kept = table.drop(columns=_CHANGED_COLUMNS, errors="ignore")
    return kept[~kept["row"].isin(_CHANGED_ROWS)] if "row" in kept else kept


def _compare_cells(found: pd.DataFrame, expected: pd.DataFrame) -> str:
    for column in expected:
        cells = zip(found[column], expected[column], strict=True)
        for row, (cell, computed) in enumerate(cells, start=1):
            if cell != computed and not _is_rounded(cell, computed):
                return f"different: {column} in row {row} is {cell}, and {computed} computed"
    return ROUNDED


def _is_rounded(cell: str, computed: str) -> bool:
    try:
        return math.isclose(float(cell), float(computed), rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    except ValueError:
        return False
