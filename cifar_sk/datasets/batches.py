"""CIFAR's canonical "python version": batches of pickles, in a folder or in the archive.

Pickles run code if they are let. These are read by an unpickler that knows four names, each
bound to a stand-in that takes a uint8 array's bytes and can do nothing else. Archive members are
read by name into memory, and nothing is extracted to disk.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import reprlib
import tarfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from cifar_sk.datasets.arrays import Arrays, OpenedDataset
from cifar_sk.datasets.layouts import CIFAR10, CIFAR100, CifarLayout
from cifar_sk.datasets.registry import reader
from cifar_sk.errors import InputError, reading

__all__ = ["open_archive", "open_batches"]

_ROW = 3 * 32 * 32
_LARGEST_MEMBER = 200_000_000  # CIFAR-100's `train` has 155 MB


def _find_batches(path: Path) -> tuple[Path, CifarLayout] | None:
    """Return the folder of batches that a path is or holds, and what it is of."""
    for layout in (CIFAR10, CIFAR100):
        for folder in (path, path / layout.folder):
            if layout.is_batches(folder):
                return folder, layout
    return None


@reader("CIFAR batches", reads=lambda path: _find_batches(path) is not None)
def _open_found(path: Path, *, test_split: bool) -> OpenedDataset:
    found = _find_batches(path)
    return open_batches(*(found or (path, CIFAR10)), test_split=test_split)


def open_batches(folder: Path, layout: CifarLayout, *, test_split: bool) -> OpenedDataset:
    """Open a folder of batches."""
    wanted = _wanted(layout, test_split)
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"'{folder}' must hold all of {layout.title}'s files, got no {', '.join(missing)}: "
            "copy the folder anew"
        )
    parts = {}
    for name in wanted:
        _check_size((folder / name).stat().st_size, f"'{folder / name}'")
        with (folder / name).open("rb") as file:
            parts[name] = _unpickle(file, f"'{folder / name}'")
    with reading(f"'{folder}'", "CIFAR batches", "copy the folder anew"):
        return _assemble(parts, layout, folder)


def _check_size(n_bytes: int, where: str) -> None:
    if n_bytes > _LARGEST_MEMBER:
        raise InputError(f"{where} has {n_bytes:,} bytes, which is no CIFAR batch")


def _is_archive(path: Path) -> bool:
    if not path.is_file():
        return False
    with suppress(Exception):  # a damaged .gz of something else
        return bool({".tar", ".tgz"} & set(path.suffixes)) or tarfile.is_tarfile(path)
    return False


@reader("CIFAR archive (.tar.gz)", reads=_is_archive)
def open_archive(
    path: Path, layout: CifarLayout | None = None, *, test_split: bool
) -> OpenedDataset:
    """Open an archive of batches, read member by member; a layout of None is found out."""
    for known in (layout,) if layout else (CIFAR10, CIFAR100):
        if path.name in known.archives:
            _check_md5(path, known)
    remedy = "it is corrupted or cut short; delete it and download it again"
    with reading(f"'{path}'", "a tar archive", remedy):
        with tarfile.open(path, "r:*") as archive:
            layout = layout or _layout_inside(archive, path)
            parts = _read_members(archive, _wanted(layout, test_split), layout.folder, path)
        missing = [name for name in _wanted(layout, test_split) if name not in parts]
        if missing:
            raise InputError(
                f"'{path}' must hold {layout.folder}/ with all its files, got no "
                f"{', '.join(missing)}"
            )
        return _assemble(parts, layout, path)


def _check_md5(path: Path, layout: CifarLayout) -> None:
    """Refuse an archive that is not the canonical one.

    MD5 is what CIFAR's own page publishes; it detects accidents, and the restricted unpickler
    guards against the rest.
    """
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != layout.md5:
        raise InputError(
            f"'{path}' must be {layout.title}'s archive with the MD5 {layout.md5}, got {md5}: it "
            f"is cut short or altered; delete it and download {layout.url} again"
        )


def _wanted(layout: CifarLayout, test_split: bool) -> tuple[str, ...]:
    return (*layout.train, *([layout.test] if test_split else []), layout.meta)


def _layout_inside(archive: tarfile.TarFile, path: Path) -> CifarLayout:
    for member in archive:
        _check_size(member.size, f"'{path}', {member.name},")  # before it is unpacked to be passed
        for layout in (CIFAR10, CIFAR100):
            if Path(member.name).parts[:1] == (layout.folder,):
                return layout
    raise InputError(
        f"'{path}' must hold {CIFAR10.folder}/ or {CIFAR100.folder}/, got neither: unpack other "
        "archives and give the folder of images"
    )


def _read_members(
    archive: tarfile.TarFile, wanted: Collection[str], folder: str, path: Path
) -> dict[str, Any]:
    """Unpickle the wanted members in the archive's own order, so that it is read once."""
    parts = {}
    for member in archive:
        _check_size(member.size, f"'{path}', {member.name},")
        *parents, name = Path(member.name).parts or ("",)
        if parents != [folder] or name not in wanted or not member.isfile():
            continue
        content = archive.extractfile(member)
        if content is not None:
            parts[name] = _unpickle(io.BytesIO(content.read()), f"'{path}', {member.name}")
    return parts


class _NotOfCifarError(InputError):
    """Holds what stands in no CIFAR batch, and might do harm."""


class _PickledArray:
    """Stands in for `numpy.ndarray`: takes the state of a byte array, and nothing else."""

    array = np.empty(0, dtype=np.uint8)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, _, is_fortran, raw = state
        order: Literal["F", "C"] = "F" if is_fortran else "C"
        self.array = np.frombuffer(raw, dtype=np.uint8).reshape(shape, order=order)


class _PickledDtype:
    """Stands in for `numpy.dtype`: CIFAR holds bytes."""

    def __init__(self, code: object, *_: object) -> None:
        if code not in {"u1", b"u1"}:
            got = reprlib.repr(code)
            raise _NotOfCifarError(f"holds an array of {got}, not of bytes: it is no CIFAR batch")

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order of bytes."""


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: _PickledArray(),
    ("numpy._core.multiarray", "_reconstruct"): lambda *_: _PickledArray(),
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledDtype,
}


class _BatchUnpickler(pickle._Unpickler):
    """Unpickles dicts, lists, strings, numbers and uint8 arrays; refuses everything else."""

    # The one in Python: that in C fills the memory where a few bytes name a high place in its
    # memo. Both would do so for the length of a bytearray, which CIFAR has none of.
    dispatch: ClassVar = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise _NotOfCifarError(
                f"asks for {module}.{name}, which no CIFAR batch needs and which could run code: "
                "delete the file and take it from a source you trust"
            )
        return _STAND_INS[module, name]


def _unpickle(file: Any, where: str) -> Any:
    remedy = "it is truncated or damaged; copy or download it again"
    try:
        with reading(where, "a complete CIFAR batch", remedy):
            return _BatchUnpickler(file, encoding="bytes").load()
    except _NotOfCifarError as error:
        raise InputError(f"{where} {error}") from error


def _assemble(parts: dict[str, Any], layout: CifarLayout, path: Path) -> OpenedDataset:
    names = _class_names(parts.pop(layout.meta), layout, path)
    test = [parts.pop(layout.test)] if layout.test in parts else []
    images, target = _concatenate(
        [_rows_and_labels(parts.pop(name), layout, f"'{path}', {name}") for name in layout.train]
    )
    test_arrays = test and _concatenate(
        [_rows_and_labels(batch, layout, f"'{path}', {layout.test}") for batch in test]
    )
    n = len(images)
    share = f"all {n:,}" if n == layout.n_train else f"only {n:,} of the {layout.n_train:,}"
    return OpenedDataset(
        name=layout.named(n),
        source=f"{layout.title}'s canonical Python batches, read from {path.name}.",
        description=f"{layout.title}, pixel-exact: {share} training images.",
        target_names=names,
        target=target,
        draw=lambda index: images if index is None else images[index],
        draw_test=(lambda: test_arrays) if test_arrays else None,
    )


def _class_names(meta: Any, layout: CifarLayout, path: Path) -> list[str]:
    names = meta.get(layout.names_key) if isinstance(meta, dict) else None
    if not isinstance(names, list) or names != [name.encode() for name in layout.class_names]:
        raise InputError(
            f"'{path}', {layout.meta}, must list {layout.title}'s classes, got "
            f"{reprlib.repr(names)}: give other images as a folder of images per class or as an "
            ".npz file"
        )
    return list(layout.class_names)


def _rows_and_labels(batch: Any, layout: CifarLayout, where: str) -> Arrays:
    """Return a batch's rows (n, 3072) and labels (n,), checked."""
    batch = batch if isinstance(batch, dict) else {}
    data, labels = batch.get(b"data"), batch.get(layout.labels_key)
    rows = data.array if isinstance(data, _PickledArray) else np.empty(0, dtype=np.uint8)
    if rows.shape[1:] != (_ROW,) or not isinstance(labels, list):
        raise InputError(
            f"{where} must hold 'data' of shape (n, {_ROW}) and the list {layout.labels_key!r}, "
            f"got the shape {rows.shape} and a {type(labels).__name__}: it is no CIFAR batch"
        )
    if len(rows) != len(labels):
        raise InputError(
            f"{where} must have one label per image, got {len(rows)} images and {len(labels)} "
            "labels"
        )
    n_classes = len(layout.class_names)
    for label in labels:
        if type(label) is not int or not 0 <= label < n_classes:
            got = reprlib.repr(label)  # which may be a list of anything
            raise InputError(
                f"{where}: labels must be integers from 0 to {n_classes - 1}, got {got}"
            )
    return rows, np.array(labels, dtype=np.int64)


def _concatenate(batches: list[Arrays]) -> Arrays:
    """Put channel-first rows into one channel-last array."""
    target = np.concatenate([labels for _, labels in batches])
    images = np.empty((len(target), 32, 32, 3), dtype=np.uint8)
    start = 0
    for rows, _ in batches:
        stop = start + len(rows)
        images[start:stop] = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        start = stop
    return images, target
