"""Whether the tables in a run's folder are those that its predictions give."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd

from cifar_sk.errors import reason
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.reports.run.files import conformal_files, mistake_files, score_files
from cifar_sk.reports.run.tables import RunTables

__all__ = ["IDENTICAL", "ROUNDED", "compare_tables"]

IDENTICAL, ROUNDED = "identical", "within rounding"
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12  # other processors sum floats in another order


def compare_tables(result: OOFResult, folder: Path) -> dict[str, str]:
    """Compute a run's tables again, and say of each file how it compares with that."""
    tables = RunTables(result)
    outcomes = {}
    files = {**score_files(tables), **mistake_files(tables)}
    # Older versions wrote no conformal sets.
    files |= {k: v for k, v in conformal_files(tables).items() if (folder / k).exists()}
    for name, computed in files.items():
        try:
            outcomes[name] = _compare((folder / name).read_bytes(), computed)
        except FileNotFoundError:
            outcomes[name] = "missing"
        except OSError as error:
            outcomes[name] = f"different: it cannot be read ({reason(error)})"
    return outcomes


def _compare(stored: bytes, computed: bytes) -> str:
    if stored == computed:
        return IDENTICAL
    try:
        found, expected = _table(stored), _table(computed)
    except ValueError as error:
        return f"different: it cannot be read ({reason(error)})"
    if list(found.columns) != list(expected.columns):
        other = sorted({*found.columns} ^ {*expected.columns})
        return f"different: columns {', '.join(other) or 'in another order'}"
    if len(found) != len(expected):
        return f"different: {len(found)} rows, and {len(expected)} computed"
    return _compare_cells(found, expected)


def _table(content: bytes) -> pd.DataFrame:
    """Read a table as text, for pandas' own reading of floats may miss the last bit."""
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


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
