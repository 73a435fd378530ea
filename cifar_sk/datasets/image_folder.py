"""Folders that have one sub-folder of images per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cifar_sk.datasets.arrays import OpenedDataset, Size, own_name
from cifar_sk.datasets.decoding import decode_images
from cifar_sk.datasets.labels import check_class_names
from cifar_sk.datasets.registry import reader
from cifar_sk.errors import InputError

__all__ = ["open_image_folder"]

_OF_WINDOWS = {"desktop.ini", "thumbs.db"}


@reader("folder of images per class", reads=Path.is_dir)
def open_image_folder(path: Path, *, image_size: Size | None) -> OpenedDataset:
    """List the files of each class; what is beside the sub-folders or hidden is ignored.

    Links are followed, wherever they lead.
    """
    size = image_size or (32, 32)
    classes = _classes(path)
    files = [file for inside in classes.values() for file in inside]
    labels = np.repeat(np.arange(len(classes)), [len(inside) for inside in classes.values()])

    def draw(index: np.ndarray | None) -> np.ndarray:
        chosen = files if index is None else [files[k] for k in index]
        return decode_images(chosen, [f"'{file}'" for file in chosen], size)

    n_outside = sum(not file.resolve().is_relative_to(path.resolve()) for file in files)
    outside = f" {n_outside:,} of them are links to files outside of it." if n_outside else ""
    return OpenedDataset(
        name=own_name(path, "folder"),
        source=f"Image files, one sub-folder per class, read from {path.resolve().name}.{outside}",
        description=f"{len(files):,} image files, as RGB, {size[0]}×{size[1]} pixels.",
        target_names=check_class_names(classes, f"'{path}'"),
        target=labels.astype(np.int64),
        draw=draw,
    )


def _classes(path: Path) -> dict[str, list[Path]]:
    """Return each class's files by its name, both in alphabetical order."""
    folders = sorted(entry for entry in path.iterdir() if _visible(entry) and entry.is_dir())
    if len(folders) < 2:
        raise InputError(
            f"'{path}' must have a sub-folder of images for each of at least two classes, got "
            f"{len(folders)}"
        )
    classes = {
        folder.name: sorted(file for file in folder.iterdir() if _visible(file) and file.is_file())
        for folder in folders
    }
    empty = [folder for folder in folders if not classes[folder.name]]
    if empty:
        raise InputError(
            f"'{empty[0]}' must hold images of its class, got none: remove it, or give the "
            "folder whose direct sub-folders are the classes"
        )
    return classes


def _visible(entry: Path) -> bool:
    """Pass over hidden files and those that Windows makes; a link that is broken is an error."""
    if entry.name.startswith(".") or entry.name.lower() in _OF_WINDOWS:
        return False
    if entry.is_symlink() and not entry.exists():
        raise InputError(f"'{entry}' is a link that leads nowhere: mend or remove it")
    return True
