"""``run.json``: what it may hold, and its checksum over all else that it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import read_json, validate
from cifar_sk.runs.checksums import FileSum, digest
from cifar_sk.runs.files import write_atomically

__all__ = ["SCHEMA", "ManifestFile", "Stage", "read_manifest_file", "write_manifest_file"]

SCHEMA = 3
# Schema 2 had no checksums; versions before had no `schema`, and the same keys.
_WITHOUT_SUMS = ({"schema": 2}, {"format": 1})
_SUM = "sha256"
_REMEDY = "restore it from a copy, or delete the folder and run again"

_Count = Annotated[int, Field(ge=1, le=1_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Test(_Part):
    n_samples: NonNegativeInt
    fingerprint: str


class _Data(_Part):
    name: str = "array"
    n_samples: NonNegativeInt = 0
    fingerprint: str = ""


class _Split(_Part):
    n_folds: _Count
    n_repeats: _Count
    fingerprint: str | None
    n_seeds: _Count = 1


class _Identity(_Part):
    data: _Data = _Data()
    split: _Split | None = None  # of a run that has not begun
    test_split: _Test | None = None
    pipeline: dict[str, Any] = {}
    seed: int | None = None
    threads_per_fold: int | None = None
    save_models: bool | None = None
    fit_params: dict[str, str] = {}
    own: dict[str, Any] = {}


class Stage(_Part):
    """What a run was before repeats or seeds were added to it."""

    n_repeats: _Count
    n_seeds: _Count
    digest: str | None  # what its folds say that they belong to
    extended: str  # when it was added to (UTC)


class ManifestFile(_Part):
    """What is read of ``run.json``; nothing is asked of names that are not listed here."""

    version: int = Field(2, alias="schema")  # `schema` is a method of pydantic's
    identity: _Identity
    class_names: list[str] = []
    image_shape: list[int] | None = None
    title: str | None = None
    selected: str | None = None
    created: str | None = None
    command: str | None = None
    backend: str | None = None
    engine: str | None = None
    status: str | None = None
    fallback: str | None = None
    data_source: str | None = None
    versions: dict[str, str | None] | None = None
    machine: dict[str, Any] | None = None
    failed: dict[str, str | None] | None = None
    timings: dict[str, float | None] | None = None
    notes: dict[str, Any] | None = None
    files: dict[str, FileSum] = {}
    n_groups: _Count | None = None
    stages: list[Stage] = []


def read_manifest_file(file: Path) -> tuple[dict[str, Any], ManifestFile]:
    """Read a ``run.json`` as it is, and by its schema; an `InputError` if it is damaged."""
    if not file.exists():
        raise InputError(f"{file.parent} holds no run: its {file.name} cannot be read.")
    raw = read_json(file, _REMEDY)
    old = isinstance(raw, dict) and any(known.items() <= raw.items() for known in _WITHOUT_SUMS)
    if not old and not (isinstance(raw, dict) and raw.get("schema") == SCHEMA):
        raise InputError(f"{file} is no run manifest of schema {SCHEMA} or older.")
    written = raw.pop(_SUM, None)
    if (written is not None or not old) and written != digest(raw):
        raise InputError(
            f"{file} is damaged, or was changed by hand: its checksum is not that of its content; "
            f"{_REMEDY}."
        )
    return raw, validate(ManifestFile, raw, file, _REMEDY)


def write_manifest_file(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a ``run.json``, with its checksum."""
    text = json.dumps({**content, _SUM: digest(content)}, indent=1)
    write_atomically(file, (text + "\n").encode())
