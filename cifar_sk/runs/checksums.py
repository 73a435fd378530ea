"""What every file of a finished fold must be: its size and SHA-256, written with the commit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import read_json, validate
from cifar_sk.runs.files import write_atomically

__all__ = [
    "REMEDY",
    "FileSum",
    "content_sum",
    "digest",
    "file_damage",
    "file_sum",
    "fold_damage",
    "write_sums",
]

FILES = "files.json"
REMEDY = "fit the fold again by the run's own command and --resume"
_CHUNK = 1 << 20  # bytes


class FileSum(BaseModel):
    """Size in bytes and SHA-256 of a file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    size: int
    sha256: str


class _Sums(BaseModel):
    """What ``files.json`` holds: the run's identity, by its digest, and a fold's files by name."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    run: str
    files: dict[str, FileSum]


def digest(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values, the same for equal ones; null counts as absent.

    Examples
    --------
    >>> digest({"seed": 0, "l2": 0.0}) == digest({"l2": 0, "seed": False, "own": None})
    True
    """
    text = json.dumps(_normal(values), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _normal(value: Any) -> Any:
    """Return JSON values that are written alike where Python takes them for equal."""
    if isinstance(value, Mapping):
        return {name: _normal(v) for name, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    is_whole = isinstance(value, bool) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole else value


def file_sum(file: Path) -> FileSum:
    """Measure a file."""
    total = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            total.update(chunk)
        return FileSum(size=opened.tell(), sha256=total.hexdigest())


def content_sum(content: bytes) -> FileSum:
    """Measure what a file is to hold."""
    return FileSum(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def write_sums(folder: Path, run: str) -> None:
    """List the files of a fold of the run with this digest, in a file of its own."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != FILES)
    sums = {file.relative_to(folder).as_posix(): file_sum(file).model_dump() for file in files}
    text = json.dumps({"run": run, "files": sums}, indent=1) + "\n"
    write_atomically(folder / FILES, text.encode())


def _sums(folder: Path, runs: Collection[str] | None) -> dict[str, FileSum]:
    """Read what a fold's files must be; runs of older versions have no digest and no list."""
    file = folder / FILES
    if runs is None and not file.exists():
        return {}
    sums = validate(_Sums, read_json(file, REMEDY), file, REMEDY)
    if any(name.startswith("/") or ".." in name for name in sums.files):
        raise InputError(f"{file} lists files of other folders; {REMEDY}.")
    if runs is not None and sums.run not in runs:
        raise InputError(f"{folder} is a fold of another run; {REMEDY}.")
    return sums.files


def file_damage(file: Path, expected: FileSum, remedy: str = REMEDY) -> str | None:
    """Say in a sentence what is wrong with a file; None where it is as it was written."""
    if not file.is_file():
        return f"{file} is missing; {remedy}."
    size = file.stat().st_size  # first, for a damaged file may be of any size
    if size != expected.size:
        what = f"{size:,} bytes instead of {expected.size:,}"
    elif file_sum(file) != expected:
        what = "another SHA-256 than when it was written"
    else:
        return None
    return f"{file} is damaged: it has {what}; {remedy}."


def fold_damage(
    folder: Path, runs: Collection[str] | None, names: Collection[str] = ()
) -> str | None:
    """Say in a sentence what is wrong with a fold's files; None where all are as written.

    `runs` are the digests that the run's identity has or had, or None for older versions, which
    listed no files; `names` are files that the fold must have, and the only ones looked at.
    """
    try:
        sums = _sums(folder, runs)
        for name in names or sums:
            if name in sums and (damage := file_damage(folder / name, sums[name])):
                return damage
            if runs is not None and name not in sums:
                return f"{folder / FILES} does not list {name}; {REMEDY}."
    except (InputError, OSError) as error:
        return str(error)
    return None
