"""Where CIFAR is looked for: the data home, the Keras cache, and a download."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from cifar_sk.datasets.arrays import OpenedDataset
from cifar_sk.datasets.batches import open_archive, open_batches
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100, CifarLayout
from cifar_sk.datasets.parquet import open_parquet, parquet_class_names
from cifar_sk.datasets.registry import DATASETS
from cifar_sk.errors import InputError

__all__ = ["NotAvailableError", "find_best_cifar10", "find_cifar", "find_lossless", "open_copies"]

PathLike = str | os.PathLike[str]

_VARIABLE = "CIFAR_SK_DATA"
_TIMEOUT = 10  # seconds without an answer
_LOSSLESS = {layout: (layout.name, f"{layout.name}-subset") for layout in (CIFAR10, CIFAR100)}
_JPEG = ("cifar10-jpeg", "cifar10-jpeg-subset")


class NotAvailableError(InputError):
    """The data set is nowhere to be had; broken copies raise a plain InputError instead."""


@DATASETS.register("cifar10")
def _cifar10(data_home: PathLike | None, test_split: bool) -> OpenedDataset:
    return find_lossless(CIFAR10, data_home, test_split)


@DATASETS.register("cifar100")
def _cifar100(data_home: PathLike | None, test_split: bool) -> OpenedDataset:
    return find_lossless(CIFAR100, data_home, test_split)


@DATASETS.register("cifar10-jpeg")
def _cifar10_jpeg(data_home: PathLike | None, test_split: bool) -> OpenedDataset:
    return find_cifar(CIFAR10, data_home, names=_JPEG, test_split=test_split, download=False)


def find_lossless(
    layout: CifarLayout, data_home: PathLike | None, test_split: bool, download: bool = True
) -> OpenedDataset:
    """Open CIFAR-10 or CIFAR-100, exact to the pixel."""
    names = _LOSSLESS[layout]
    return find_cifar(layout, data_home, names=names, test_split=test_split, download=download)


def find_best_cifar10(data_home: PathLike | None, test_split: bool) -> OpenedDataset:
    """Open the largest CIFAR-10 at hand, be it lossless or JPEG."""
    names = (*_LOSSLESS[CIFAR10], *_JPEG)
    return find_cifar(CIFAR10, data_home, names=names, test_split=test_split, download=True)


def find_cifar(
    layout: CifarLayout,
    data_home: PathLike | None,
    *,
    names: Collection[str],
    test_split: bool,
    download: bool,
) -> OpenedDataset:
    """Open the largest copy of the data home, else of the Keras cache, else download it."""
    home = _home_folder(data_home)
    lossless = layout.name in names  # as all that Keras keeps
    tried = [] if home else [f"the data home ({_VARIABLE} is not set)"]
    for folder in [home, _keras_cache() if lossless else None]:
        if folder is None:
            continue
        copies = open_copies(folder, layout, test_split=test_split) if folder.is_dir() else []
        fitting = [copy for copy in copies if copy.name in names]
        if fitting:
            return max(fitting, key=lambda copy: (len(copy.target), "jpeg" not in copy.name))
        tried.append(f"'{folder}'" + (f" (which has {copies[0].name!r})" if copies else ""))
    if download and lossless:
        return _download(layout, tried, test_split)
    raise _not_available(layout, tried, "")


def _not_available(layout: CifarLayout, tried: list[str], download: str) -> NotAvailableError:
    return NotAvailableError(
        f"{layout.title} was not found in {' or '.join(tried)}{download}: put {layout.folder}, "
        f"{layout.archive} or train-*.parquet into a folder and name that by data_home "
        f"(--data-home) or {_VARIABLE}, or choose another data set, such as 'digits'"
    )


def _home_folder(data_home: PathLike | None) -> Path | None:
    given = data_home or os.environ.get(_VARIABLE)
    if not given:
        return None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        origin = "data_home" if data_home else _VARIABLE
        raise InputError(f"{origin} must be an existing folder, got '{folder}'")
    return folder


def _keras_cache() -> Path:
    """Return Keras' folder of data sets, found as Keras finds it but without importing it."""
    home = os.environ.get("KERAS_HOME") or Path("~", ".keras")
    return Path(home).expanduser() / "datasets"


def open_copies(home: Path, layout: CifarLayout, *, test_split: bool) -> list[OpenedDataset]:
    """Open each copy of CIFAR in a folder and its direct sub-folders."""
    if layout.is_batches(home):
        return [open_batches(home, layout, test_split=test_split)]
    inside = sorted(home.iterdir())
    folders = [home, *(entry for entry in inside if entry.is_dir() and entry.name[0] != ".")]
    return [copy for folder in folders for copy in _copies_in(folder, layout, test_split)]


def _copies_in(folder: Path, layout: CifarLayout, test_split: bool) -> Iterator[OpenedDataset]:
    archives = [folder / name for name in layout.archives if (folder / name).is_file()]
    if (folder / layout.folder).is_dir():
        yield open_batches(folder / layout.folder, layout, test_split=test_split)
    elif archives:
        yield open_archive(archives[0], layout, test_split=test_split)
    parquet = next(folder.glob("train*.parquet"), None)
    if parquet and parquet_class_names(parquet) == list(layout.class_names):
        yield open_parquet(folder, test_split=test_split)


def _download(layout: CifarLayout, tried: list[str], test_split: bool) -> OpenedDataset:
    """Download into the Keras cache, where Keras finds it too, with its checksum verified."""
    try:
        # Asked first, so that a machine without network makes no folder.
        request = urllib.request.Request(layout.url, method="HEAD")  # noqa: S310  (https)
        urllib.request.urlopen(request, timeout=_TIMEOUT).close()  # noqa: S310  (https)
        import pooch

        archive = pooch.retrieve(
            layout.url,
            known_hash=f"md5:{layout.md5}",
            fname=layout.archives[-1],
            path=_keras_cache(),
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT),
        )
    except (OSError, ValueError) as error:  # pooch raises ValueError for another checksum
        reason = str(getattr(error, "reason", error)).strip().rstrip(".")
        note = f", and could not be downloaded ({reason})"
        raise _not_available(layout, tried, note) from error
    opened = open_archive(Path(archive), layout, test_split=test_split)
    return replace(opened, source=f"{layout.title}, downloaded from {layout.url}.")
