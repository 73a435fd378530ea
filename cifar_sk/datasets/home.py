"""Where CIFAR is looked for: the data home, the Keras cache, and a download through Keras."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import urllib.request
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from cifar_sk.datasets.arrays import OpenedDataset
from cifar_sk.datasets.batches import open_archive, open_batches
from cifar_sk.datasets.layouts import CifarLayout
from cifar_sk.datasets.parquet import open_parquet, parquet_class_names
from cifar_sk.errors import InputError

__all__ = ["NotAvailableError", "find_cifar", "open_copies"]

_VARIABLE = "CIFAR_SK_DATA"
_TIMEOUT = 10  # seconds without an answer


class NotAvailableError(InputError):
    """The data set is nowhere to be had; broken copies raise a plain InputError instead."""


def find_cifar(
    layout: CifarLayout,
    data_home: str | os.PathLike[str] | None,
    *,
    names: Collection[str],
    test_split: bool,
    download: bool,
) -> OpenedDataset:
    """Return the largest copy that the data home has, else the Keras cache, else a download.

    Parameters
    ----------
    layout : CifarLayout
        CIFAR-10 or CIFAR-100.
    data_home : path-like or None
        A folder; None takes ``CIFAR_SK_DATA``, and searches no data home if that is unset.
    names : collection of str
        Names of content that will do. Of copies of one size, the lossless one is taken.
    test_split : bool
        Whether the test images are read as well.
    download : bool
        Whether a download is tried.

    Returns
    -------
    OpenedDataset

    Raises
    ------
    NotAvailableError
        If there is none; the message lists where it was looked for.
    InputError
        If the data home does not exist, or a copy is broken.
    """
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


def _home_folder(data_home: str | os.PathLike[str] | None) -> Path | None:
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
    """Open each copy of CIFAR in a folder and its direct sub-folders.

    Parameters
    ----------
    home : Path
        The folder, which may be the canonical folder itself.
    layout : CifarLayout
        CIFAR-10 or CIFAR-100.
    test_split : bool
        Whether the test images are read as well.

    Returns
    -------
    list of OpenedDataset

    Raises
    ------
    InputError
        If a copy is broken.
    """
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
    """Download through Keras, which verifies the checksum; leave nothing behind on failure."""
    existing = _downloaded_archives(layout)
    try:
        # Asked first, so that a machine without network need not wait for Keras to import.
        request = urllib.request.Request(layout.url, method="HEAD")  # noqa: S310  (https)
        urllib.request.urlopen(request, timeout=_TIMEOUT).close()  # noqa: S310  (https)
        with _keras_download():
            import keras

            train, test = getattr(keras.datasets, layout.name).load_data()
    except Exception as error:  # Keras raises bare Exception for a failed download
        for archive in _downloaded_archives(layout) - existing:
            archive.unlink(missing_ok=True)
        reason = str(getattr(error, "reason", error)).strip().rstrip(".")
        note = f", and could not be downloaded ({reason})"
        raise _not_available(layout, tried, note) from error
    images, target = _channels_last(*train)
    return OpenedDataset(
        name=layout.named(len(images)),
        source=f"{layout.title}, downloaded by Keras from {layout.url}.",
        description=f"{layout.title}, pixel-exact: all {len(images):,} training images.",
        target_names=list(layout.class_names),
        target=target,
        draw=lambda index: images if index is None else images[index],
        draw_test=(lambda: _channels_last(*test)) if test_split else None,
    )


def _downloaded_archives(layout: CifarLayout) -> set[Path]:
    cache = _keras_cache()
    return (
        {cache / name for name in layout.archives if (cache / name).exists()} if cache else set()
    )


@contextlib.contextmanager
def _keras_download() -> Iterator[None]:
    """Give Keras' download a timeout, and its progress bar the error stream."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")  # NumPy's, about the old pickles' dtype arguments
            yield
    finally:
        socket.setdefaulttimeout(before)


def _channels_last(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undo Keras' setting of the image data format."""
    images = images if images.shape[-1] == 3 else images.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels.reshape(-1).astype(np.int64)
