"""Look at a data set before training on it: ``python -m cifar_sk.explore``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_sk.commands.options import DataHome, Dataset, Limit, open_dataset
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from sklearn.utils import Bunch

__all__ = ["DatasetDescription", "app", "describe_dataset", "draw_samples", "main"]

_MAX_CLASSES = 20  # rows of the figure
_GAP = 2  # pixels between images
_CHUNK = 1_000  # images counted at a time


@dataclass(frozen=True)
class DatasetDescription:
    """What `describe_dataset` finds.

    Attributes
    ----------
    name, source, fingerprint : str
        As in the Bunch.
    shape : tuple of int
        (n, h, w, c).
    dtype : str
        Always "uint8".
    classes : DataFrame
        A row per class: ``class_name``, ``images`` and ``share`` (0 to 1).
    channels : DataFrame
        A row per channel: ``channel``, ``mean`` and ``std`` (population) of pixels in [0, 1].
    n_duplicates : int
        Images that are a copy, byte for byte, of an earlier one.
    n_conflicts : int
        Distinct images that occur with more than one label.
    """

    name: str
    source: str
    fingerprint: str
    shape: tuple[int, ...]
    dtype: str
    classes: pd.DataFrame
    channels: pd.DataFrame
    n_duplicates: int
    n_conflicts: int


def describe_dataset(dataset: Bunch) -> DatasetDescription:
    """Count classes and exact duplicates, and measure each channel.

    Parameters
    ----------
    dataset : Bunch
        From `cifar_sk.datasets`. The images are never copied as a whole.

    Returns
    -------
    DatasetDescription

    Examples
    --------
    >>> from cifar_sk.datasets import load_digits32
    >>> description = describe_dataset(load_digits32())
    >>> description.shape, description.n_duplicates
    ((1797, 32, 32, 3), 0)
    """
    n_duplicates, n_conflicts = _count_duplicates(dataset.images, dataset.target)
    return DatasetDescription(
        name=dataset.name,
        source=dataset.source,
        fingerprint=dataset.fingerprint,
        shape=dataset.images.shape,
        dtype=str(dataset.images.dtype),
        classes=_class_counts(dataset.target, dataset.target_names),
        channels=_channel_moments(dataset.images),
        n_duplicates=n_duplicates,
        n_conflicts=n_conflicts,
    )


def _class_counts(target: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    counts = np.bincount(target, minlength=len(names))
    return pd.DataFrame({"class_name": names, "images": counts, "share": counts / len(target)})


def _channel_moments(images: np.ndarray) -> pd.DataFrame:
    """Return exact moments from 256-bin histograms, which need no float copy of the images."""
    import numpy as np
    import pandas as pd

    n_channels = images.shape[-1]
    histograms = np.zeros((n_channels, 256), dtype=np.int64)
    for start in range(0, len(images), _CHUNK):
        for channel in range(n_channels):
            pixels = images[start : start + _CHUNK, ..., channel].ravel()
            histograms[channel] += np.bincount(pixels, minlength=256)
    levels = np.arange(256) / 255
    weights = histograms / histograms.sum(axis=1, keepdims=True)
    mean = weights @ levels
    std = np.sqrt((weights * (levels - mean[:, np.newaxis]) ** 2).sum(axis=1))
    channel_names = ["red", "green", "blue"] if n_channels == 3 else ["grey"]
    return pd.DataFrame({"channel": channel_names, "mean": mean, "std": std})


def _count_duplicates(images: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Return the number of repeated images and of distinct images with several labels."""
    labels: dict[bytes, set[int]] = {}
    for image, label in zip(images, target.tolist(), strict=True):
        digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        labels.setdefault(digest, set()).add(label)
    return len(images) - len(labels), sum(len(found) > 1 for found in labels.values())


def draw_samples(dataset: Bunch, *, n_per_class: int = 12, random_state: int = 0) -> Figure:
    """Draw random images, a row per class.

    Parameters
    ----------
    dataset : Bunch
        From `cifar_sk.datasets`.
    n_per_class : int, default=12
        Images in a row; classes with fewer leave the row short.
    random_state : int, default=0
        Seed of the choice.

    Returns
    -------
    matplotlib.figure.Figure
        Of the first 20 classes, if there are more. It belongs to no pyplot state.

    Examples
    --------
    >>> from cifar_sk.datasets import load_digits32
    >>> figure = draw_samples(load_digits32(), n_per_class=5)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()][:2]
    ['0', '1']
    """
    from matplotlib.figure import Figure

    mosaic = _mosaic(dataset.images, dataset.target, n_per_class, random_state)
    n_shown = min(len(dataset.target_names), _MAX_CLASSES)
    tile = mosaic.shape[0] / n_shown
    width = 1.6 + 0.6 * mosaic.shape[1] / tile
    figure = Figure(figsize=(width, 0.7 + 0.6 * n_shown), layout="constrained", dpi=150)
    ax = figure.add_subplot()
    ax.imshow(mosaic, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_yticks([(k + 0.5) * tile - 0.5 for k in range(n_shown)], dataset.target_names[:n_shown])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    n_classes = len(dataset.target_names)
    shown = "" if n_shown == n_classes else f" (first {n_shown} shown)"
    ax.set_title(f"{dataset.name}: {len(dataset.images):,} images, {n_classes} classes{shown}")
    return figure


def _mosaic(
    images: np.ndarray, target: np.ndarray, n_per_class: int, random_state: int
) -> np.ndarray:
    """Return the chosen images as one white-gapped image, uint8 (rows, columns, c)."""
    import numpy as np

    rng = np.random.default_rng(random_state)
    _, height, width, n_channels = images.shape
    n_rows = min(int(target.max()) + 1, _MAX_CLASSES)
    shape = (n_rows, height + _GAP, n_per_class, width + _GAP, n_channels)
    mosaic = np.full(shape, 255, dtype=np.uint8)
    for row in range(n_rows):
        members = np.flatnonzero(target == row)
        chosen = rng.choice(members, size=min(n_per_class, len(members)), replace=False)
        for column, index in enumerate(chosen):
            mosaic[row, :height, column, :width] = images[index]
    return mosaic.reshape(n_rows * (height + _GAP), n_per_class * (width + _GAP), n_channels)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.explore --dataset digits",
    "python -m cifar_sk.explore --data-home my/data --limit 5000",
    "python -m cifar_sk.explore --dataset my/pets   (a folder of images per class)",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def explore(
    dataset: Dataset = None,
    data_home: DataHome = None,
    limit: Limit = None,
    output: Annotated[
        Path, typer.Option(help="Folder for samples.png, made if it does not exist.")
    ] = Path("results/explore"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the subset and of the samples.")] = 0,
) -> None:
    """Describe a data set: classes, channels, exact duplicates, and a picture of samples."""
    bunch = open_dataset(dataset, data_home, limit, seed=seed)
    typer.echo(_as_text(describe_dataset(bunch)))
    typer.echo(f"samples      {_save(draw_samples(bunch, random_state=seed), output)}")


def _as_text(found: DatasetDescription) -> str:
    n, height, width, n_channels = found.shape
    classes = found.classes.assign(share=found.classes["share"].map("{:.1%}".format))
    copies = (
        f"{found.n_duplicates:,} exact copies of an earlier image; "
        f"{found.n_conflicts:,} images occur with different labels"
    )
    lines = [
        f"name         {found.name}",
        f"source       {found.source}",
        f"fingerprint  {found.fingerprint}",
        f"images       {n:,} of {height}×{width} pixels, {n_channels} channels, {found.dtype}",
        f"duplicates   {copies}",
        "",
        classes.to_string(index=False),
        "",
        found.channels.to_string(index=False, float_format="{:.4f}".format),
        "(mean and standard deviation of pixels in [0, 1])",
        "",
    ]
    return "\n".join(lines)


def _save(figure: Figure, output: Path) -> Path:
    path = output / "samples.png"
    try:
        output.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        raise InputError(
            f"--output must be a folder that can be written, got '{output}' ({error.strerror})"
        ) from error
    return path


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; an unusable input is one sentence on stderr and exit code 2.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None takes those of the process.
    """
    run_command(app, "cifar_sk.explore", argv)


if __name__ == "__main__":
    main()
