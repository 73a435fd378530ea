"""NumPy archives of images and labels."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from cifar_sk.datasets.arrays import OpenedDataset, open_arrays, own_name
from cifar_sk.datasets.decoding import check_unpacked
from cifar_sk.datasets.registry import reader
from cifar_sk.errors import InputError, reading

__all__ = ["open_npz"]

_TEST = ("x_test", "y_test")


@reader(".npz", reads=lambda path: path.is_file() and path.suffix == ".npz")
def open_npz(path: Path, *, test_split: bool) -> OpenedDataset:
    """Read `images` and `labels`, or `x_train`, `y_train`, `x_test` and `y_test`."""
    remedy = "save it with numpy.savez, without object arrays"
    with reading(f"'{path}'", "an .npz archive of plain arrays", remedy):
        return _open(path, _read(path), test_split)


def _open(path: Path, arrays: dict[str, np.ndarray], test_split: bool) -> OpenedDataset:
    names = ("images", "labels") if "images" in arrays else ("x_train", "y_train")
    if not arrays.keys() >= set(names):
        raise InputError(
            f"'{path}' must hold 'images' and 'labels', or 'x_train' and 'y_train', got "
            f"{', '.join(sorted(arrays)) or 'nothing'}"
        )
    return open_arrays(
        arrays,
        names,
        _TEST if test_split else None,
        arrays.get("class_names"),
        name=own_name(path, "npz"),
        where=f"'{path}'",
        source=f"NumPy arrays, read from {path.name}.",
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    wanted = {"images", "labels", "x_train", "y_train", "class_names", *_TEST}
    # NumPy leaves a path open when what it holds is no archive; a file of ours is closed.
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"'{path}' must be an .npz archive, got a single array")
        found = [name for name in archive.files if name in wanted]
        with zipfile.ZipFile(file) as members:
            unpacked = sum(members.getinfo(f"{name}.npy").file_size for name in found)
        check_unpacked(unpacked, path.stat().st_size, f"'{path}'")
        return {name: archive[name] for name in found}
