"""The data sets that have names, and the kinds of files that are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_sk.errors import InputError
from cifar_sk.registry import Registry

__all__ = ["DATASETS", "DATASET_NAMES", "READERS", "Reader", "reader"]

_OWN_DATASETS = {
    "cifar10": "cifar_sk.datasets.home",
    "cifar10-jpeg": "cifar_sk.datasets.home",
    "cifar100": "cifar_sk.datasets.home",
    "digits": "cifar_sk.datasets.digits",
}
# The last that is registered is asked first, so the most particular comes last.
_OWN_READERS = {
    "folder of images per class": "cifar_sk.datasets.image_folder",
    ".npz": "cifar_sk.datasets.npz",
    "Parquet": "cifar_sk.datasets.parquet",
    "CIFAR archive (.tar.gz)": "cifar_sk.datasets.batches",
    "CIFAR batches": "cifar_sk.datasets.batches",
}

DATASET_NAMES = tuple(_OWN_DATASETS)


@dataclass(frozen=True)
class Reader:
    """A kind of files: whether a path is of it, and the function that opens such a path."""

    reads: Callable[[Path], bool]
    load: Callable[..., Any]


def _decorated(name: str, value: Any) -> Reader:
    if not isinstance(value, Reader):
        raise InputError(f"The reader {name!r} must be registered by @cifar_sk.datasets.reader.")
    return value


# A data set is a function that returns what `reader` says, and takes none but keyword arguments.
DATASETS: Registry[Callable[..., Any]] = Registry("dataset", own=_OWN_DATASETS, in_workers=False)
READERS: Registry[Reader] = Registry("reader", _decorated, own=_OWN_READERS, in_workers=False)


def reader(
    name: str, reads: Callable[[Path], bool]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that reads a kind of files, for ``load_dataset`` and ``--dataset``.

    The function is called with the path, and with those of the keywords ``test_split`` (bool)
    and ``image_size`` ((height, width) in pixels, or None) that it has. It returns the pair
    ``(images, target)``, or a mapping such as a `Bunch` with ``images``, ``target`` and, where
    there are any, ``target_names``, ``test_images``, ``test_target`` and ``DESCR``. Images are
    uint8 (n, h, w, c) or (n, h, w), 0 to 255; labels are integers or strings (n,).

    Parameters
    ----------
    name : str
        What messages call such files. A reader that is registered later is asked earlier.
    reads : callable
        ``reads(path)`` says whether an existing path is of this kind.

    Returns
    -------
    callable
        A decorator that returns the function unchanged.

    Examples
    --------
    >>> @reader(".npy", reads=lambda path: path.suffix == ".npy")
    ... def load_npy(path):
    ...     images = np.load(path)
    ...     return images, np.arange(len(images)) % 2
    >>> READERS.remove(".npy")
    """

    def add(load: Callable[..., Any]) -> Callable[..., Any]:
        READERS.register(name)(Reader(reads, load))
        return load

    return add
