"""From a data set's name or path to the data set, opened."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np

from cifar_sk.datasets.arrays import OpenedDataset
from cifar_sk.datasets.batches import open_archive, open_batches
from cifar_sk.datasets.home import NotAvailableError, find_cifar
from cifar_sk.datasets.image_files import Size, open_image_folder, open_npz
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100, CifarLayout
from cifar_sk.datasets.parquet import open_parquet
from cifar_sk.errors import InputError, did_you_mean

__all__ = [
    "DATASET_NAMES",
    "checked_size",
    "existing",
    "find_lossless",
    "open_default",
    "open_digits",
    "open_named",
    "open_path",
]

PathLike = str | os.PathLike[str]

DATASET_NAMES = ("cifar10", "cifar10-jpeg", "cifar100", "digits")
_LOSSLESS = {layout: (layout.name, f"{layout.name}-subset") for layout in (CIFAR10, CIFAR100)}
_JPEG = ("cifar10-jpeg", "cifar10-jpeg-subset")


def open_default(data_home: PathLike | None, test_split: bool) -> tuple[OpenedDataset, str | None]:
    """Open the best CIFAR-10 at hand, or the digits and the sentence that says so."""
    try:
        names = (*_LOSSLESS[CIFAR10], *_JPEG)
        found = find_cifar(CIFAR10, data_home, names=names, test_split=test_split, download=True)
    except NotAvailableError as error:
        return open_digits(), (
            "NOT CIFAR-10: the embedded digits (8×8 pixels) stand in for it, and results on them "
            f"say nothing about CIFAR-10 ({error})."
        )
    return found, None


def open_named(name: str, data_home: PathLike | None, test_split: bool) -> OpenedDataset:
    """Open one of `DATASET_NAMES`, and nothing else in its place."""
    if name == "digits":
        return open_digits()
    if name == "cifar10-jpeg":
        return find_cifar(CIFAR10, data_home, names=_JPEG, test_split=test_split, download=False)
    return find_lossless(CIFAR10 if name == "cifar10" else CIFAR100, data_home, test_split, True)


def find_lossless(
    layout: CifarLayout, data_home: PathLike | None, test_split: bool, download: bool
) -> OpenedDataset:
    """Open CIFAR-10 or CIFAR-100, exact to the pixel."""
    return find_cifar(
        layout, data_home, names=_LOSSLESS[layout], test_split=test_split, download=download
    )


def open_path(given: PathLike, image_size: Size | None, test_split: bool) -> OpenedDataset:
    """Open what is at a path: a folder, an archive, an .npz or a Parquet file."""
    path = Path(given).expanduser()
    if not path.exists():
        known = did_you_mean(str(given), DATASET_NAMES)
        raise InputError(
            f"dataset {str(given)!r} is neither a known name nor an existing path{known}"
        )
    if path.is_dir():
        return _open_folder(path, image_size, test_split)
    if path.suffix == ".npz":
        return open_npz(path, test_split=test_split)
    if path.suffix == ".parquet":
        return open_parquet(path, test_split=test_split, image_size=image_size)
    if {".tar", ".tgz"} & set(path.suffixes) or tarfile.is_tarfile(path):
        return open_archive(path, None, test_split=test_split)
    raise InputError(
        f"dataset '{path}' must be a folder, a CIFAR archive (.tar.gz), an .npz or a .parquet file"
    )


def _open_folder(path: Path, image_size: Size | None, test_split: bool) -> OpenedDataset:
    for layout in (CIFAR10, CIFAR100):
        for folder in (path, path / layout.folder):
            if layout.is_batches(folder):
                return open_batches(folder, layout, test_split=test_split)
    if any(path.glob("*.parquet")):
        return open_parquet(path, test_split=test_split, image_size=image_size)
    return open_image_folder(path, image_size=image_size or (32, 32))


def open_digits() -> OpenedDataset:
    """Open scikit-learn's digits, each pixel drawn 4×4 times in grey RGB."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    large = grey.repeat(4, axis=1).repeat(4, axis=2)
    images = np.repeat(large[..., np.newaxis], 3, axis=3)
    return OpenedDataset(
        name="digits",
        source="scikit-learn's embedded handwritten digits (load_digits).",
        description="1,797 handwritten digits of 8×8 grey pixels, drawn at 32×32 in RGB.",
        target_names=[str(name) for name in digits.target_names],
        target=digits.target.astype(np.int64),
        draw=lambda index: images if index is None else images[index],
    )


def existing(path: PathLike, *, folder: bool | None = None) -> Path:
    """Return a path that exists and, if it matters, is a folder or is a file."""
    found = Path(path).expanduser()
    fits = {None: found.exists(), True: found.is_dir(), False: found.is_file()}
    if not fits[folder]:
        kind = {None: "file or folder", True: "folder", False: "file"}[folder]
        raise InputError(f"path must be an existing {kind}, got '{found}'")
    return found


def checked_size(image_size: Size) -> Size:
    """Return an image size (height, width) as integers."""
    size = tuple(image_size) if isinstance(image_size, tuple | list) else ()
    if len(size) != 2 or not all(isinstance(k, int | np.integer) and k > 0 for k in size):
        raise InputError(
            f"image_size must be two positive integers (height, width), got {image_size!r}"
        )
    return int(size[0]), int(size[1])
