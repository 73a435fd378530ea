"""The files that a run writes into its folder: set aside, put back and removed one by one."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = [
    "ASIDE",
    "BEFORE_MANIFEST",
    "MANIFEST",
    "OWN_FIGURES",
    "STAGED_MANIFEST",
    "TARGET",
    "TEST_TARGET",
    "discard_aside",
    "finished",
    "put_back",
    "recover",
    "remove",
    "set_aside",
    "set_fold_aside",
]

MANIFEST = "run.json"
ASIDE = ".replaced"  # where --overwrite keeps the old run until the new one is there
_DISCARDED = ".discarded.tmp"
STAGED_MANIFEST = f".{MANIFEST}.*.tmp"
_FOLD = re.compile(r"\d\d|[1-9]\d{2,5}")
# True classes of all samples and of the test split, as positions in the class names.
TARGET, TEST_TARGET = "target.npy", "test_target.npy"
# Names, a line each, of figures that other packages draw.
OWN_FIGURES = "figures/own.txt"
# What a process that was killed before it wrote its manifest may have left.
BEFORE_MANIFEST = {".lock", ASIDE, _DISCARDED}

# All that is ever written into a run's folder; nothing else is moved or removed there.
_TABLES = """
    best_params class_metrics conformal confused_pairs confusion_matrix confusion_matrix_fold_*
    confusion_matrix_normalized confusion_matrix_normalized_fold_* error_by_brightness
    error_by_contrast fold_metrics hardest_classes intervals label_issues mistakes oof_predictions
    times variance_components
"""
_FIGURES = """
    class_scores confident_mistakes conformal_sets confused_pairs confusion_matrix
    confusion_matrix_fold_* confusion_matrix_normalized error_by_brightness_and_contrast
    label_issues learning_curves reliability samples
"""
_EXPLANATIONS = "class_maxima correct filter_maxima filters samples wrong"
_STUDY_OF_A_FOLD = "studies/" + "[0-9a-f]" * 12
_WRITTEN = (
    "folds/[0-9][0-9]*",
    "folds/.[0-9][0-9]*.tmp",
    *(f"{name}.csv" for name in _TABLES.split()),
    *(f"figures/{name}.png" for name in _FIGURES.split()),
    *(f"explain/{name}.png" for name in _EXPLANATIONS.split()),
    "explain/explained.csv",
    "checklist.md",
    "classification_report.txt",
    "conformal.json",
    "report.html",
    TARGET,
    TEST_TARGET,
    OWN_FIGURES,
    _STUDY_OF_A_FOLD,
    MANIFEST,  # the last to be moved or removed: it says that the folder is a run's
)


def finished(path: Path) -> list[Path]:
    """List the folders of finished folds, by index; other names beside them are not ours."""
    folders = [entry for entry in (path / "folds").glob("[0-9]*") if _FOLD.fullmatch(entry.name)]
    return sorted((folder for folder in folders if folder.is_dir()), key=lambda f: int(f.name))


def set_fold_aside(folder: Path) -> Path:
    """Rename the folder of a damaged fold, so that the fold is fitted again; return the new."""
    names = (folder.with_name(f"{folder.name}.damaged{n or ''}") for n in itertools.count())
    aside = next(name for name in names if not os.path.lexists(name))
    folder.rename(aside)
    return aside


def _written(path: Path) -> list[Path]:
    """List the files, and the folders of folds and their studies, that a run has written."""
    entries = [entry for pattern in _WRITTEN for entry in sorted(path.glob(pattern))]
    return [path / "figures" / f"{name}.png" for name in _own_figures(path)] + entries


def _own_figures(path: Path) -> list[str]:
    with suppress(OSError, ValueError):
        names = (path / OWN_FIGURES).read_text(encoding="utf-8").split()
        figures = {file.stem for file in (path / "figures").glob("*.png")}
        return [name for name in names if name in figures]  # and so no path to another folder
    return []


def remove(path: Path) -> None:
    """Remove what a run has written into a folder, and nothing else."""
    for entry in _written(path):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    _drop_empty_folders(path)


def _drop_empty_folders(path: Path) -> None:
    for name in ("folds", "figures", "explain", "studies"):
        with suppress(OSError):  # it holds what is not the run's, or is not there
            (path / name).rmdir()


def _move(entries: Iterable[Path], source: Path, target: Path) -> None:
    for entry in entries:
        moved = target / entry.relative_to(source)
        moved.parent.mkdir(parents=True, exist_ok=True)
        entry.rename(moved)
    _drop_empty_folders(source)


def set_aside(path: Path) -> None:
    """Keep the run of a folder aside, unless it has no fold and an older one waits there."""
    if (path / ASIDE / MANIFEST).exists():
        if not finished(path):
            remove(path)
            return
        discard_aside(path)
    _move(_written(path), path, path / ASIDE)


def put_back(path: Path) -> None:
    """Undo `set_aside`; the manifest first, for it says that the folder is a run's."""
    aside = path / ASIDE
    _move(reversed(_written(aside)), aside, path)
    with suppress(OSError):
        aside.rmdir()


def discard_aside(path: Path) -> None:
    """Remove the run that was kept aside, for good."""
    if (path / ASIDE).exists():
        (path / ASIDE).rename(path / _DISCARDED)
        shutil.rmtree(path / _DISCARDED)


def recover(path: Path) -> None:
    """Finish what a killed process has begun: replacing a run, putting one back, writing."""
    shutil.rmtree(path / _DISCARDED, ignore_errors=True)
    aside = path / ASIDE
    if aside.exists() and (aside / MANIFEST).exists() != (path / MANIFEST).exists():
        put_back(path)
    for name in ("", "folds", "figures", "explain"):
        for staged in (path / name).glob(".*.tmp"):
            if staged.is_file():
                staged.unlink()
