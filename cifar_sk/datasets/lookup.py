"""From a data set's name or path to the data set, opened."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from cifar_sk.datasets.arrays import OpenedDataset, open_arrays, own_name
from cifar_sk.datasets.digits import open_digits
from cifar_sk.datasets.home import NotAvailableError, find_best_cifar10
from cifar_sk.datasets.registry import DATASETS, READERS
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.registry import is_import_path, own_code

__all__ = ["open_dataset", "open_default"]

PathLike = str | os.PathLike[str]


def open_default(data_home: PathLike | None, test_split: bool) -> tuple[OpenedDataset, str | None]:
    """Open the best CIFAR-10 at hand, or the digits and the sentence that says so."""
    try:
        return find_best_cifar10(data_home, test_split), None
    except NotAvailableError as error:
        return open_digits(), (
            "NOT CIFAR-10: the embedded digits (8×8 pixels) stand in for it, and results on them "
            f"say nothing about CIFAR-10 ({error})."
        )


def open_dataset(name_or_path: PathLike, *, test_split: bool, **options: Any) -> OpenedDataset:
    """Open a registered data set, or what is at a path; options as for `load_dataset`."""
    options["test_split"] = test_split
    if isinstance(name_or_path, str) and name_or_path in DATASETS:
        with own_code("dataset", name_or_path) if is_import_path(name_or_path) else nullcontext():
            found = _call(DATASETS[name_or_path], **options)
        return _as_opened(found, name_or_path, f"dataset {name_or_path!r}", test_split)
    path = Path(name_or_path).expanduser()
    if not _exists(path):
        known = did_you_mean(str(name_or_path), DATASETS)
        raise InputError(
            f"dataset {str(name_or_path)!r} is neither a known name nor an existing path{known}"
        )
    for name in reversed([*READERS]):
        if READERS[name].reads(path):
            with own_code("reader", name):
                found = _call(READERS[name].load, path, **options)
            return _as_opened(found, own_name(path, name), f"'{path}'", test_split)
    raise InputError(f"dataset '{path}' must be one of: {', '.join(READERS)}")


def _exists(path: Path) -> bool:
    with suppress(OSError, ValueError):  # a name that is too long, or of no file system
        return path.exists()
    return False


def _call(load: Callable[..., Any], *path: Path, **options: Any) -> Any:
    """Call a function with those options that it has."""
    parameters = inspect.signature(load).parameters
    return load(*path, **{key: value for key, value in options.items() if key in parameters})


def _as_opened(found: Any, name: str, where: str, test_split: bool) -> OpenedDataset:
    """Check what a function of another package has returned."""
    if isinstance(found, OpenedDataset):
        return found
    if isinstance(found, tuple) and len(found) == 2:
        found = {"images": found[0], "target": found[1]}
    if not isinstance(found, Mapping) or not {"images", "target"} <= found.keys():
        raise InputError(
            f"{where} must be read as (images, target), or as a Bunch of images and target; got "
            f"{type(found).__name__}"
        )
    return open_arrays(
        found,
        ("images", "target"),
        ("test_images", "test_target") if test_split else None,
        found.get("target_names"),
        name=name,
        where=where,
        source=f"Images and labels, as {where} gives them.",
        description=found.get("DESCR"),
    )
