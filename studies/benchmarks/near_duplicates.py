"""Near-duplicates: how many planted copies are found, what is found, at what cost, and what for.

``python -m studies.benchmarks.near_duplicates --output FOLDER [--part planted|found|inflation]``

planted
    To the 60,000 images of CIFAR-10, 250 copies per change are added, and 250 look-alikes that
    are no copies: the coarse picture of one image (up to four cycles) with the detail of another.
    A copy counts as found if it is paired with its original, a look-alike as false if it is
    paired with either of the two.
found
    What there is in the data set itself, time and peak memory of the search in a process of its
    own, and a picture of 60 pairs drawn at random, to be judged by eye.
inflation
    The same 4,000 training images, half of which have copies, are cross-validated with copies
    spread over the folds and with copies in one fold, by the same classifiers. The difference is
    the accuracy that copies feign; its interval is a t interval over groups of copies.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import Bunch

from cifar_sk import cross_validate_oof, load_dataset, make_splits
from cifar_sk.duplicates import find_in_splits, find_near_duplicates
from cifar_sk.duplicates.handling import superfluous
from cifar_sk.folds.splits import load_groups
from studies.benchmarks.pairs import Stopwatch, in_new_process, report_usage, show

MODULE = "studies.benchmarks.near_duplicates"
PARTS = ("planted", "found", "inflation")


def main() -> None:
    """Measure, print the tables, and write them with a picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--limit", type=int, help="training images, for a trial")
    parser.add_argument("--copies", type=int, default=250, help="planted per change")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--groups", type=Path, help="groups.csv of explore, not to search again")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    data = load_dataset(options.dataset, limit=options.limit, test_split=True)
    if options.measure:
        measure(data, options.output)
        return
    parts = options.part or PARTS
    tables = {}
    if "planted" in parts:
        tables["near_duplicates"] = planted(data, options.copies)
    if "found" in parts:
        tables["near_duplicates_found"] = found(options)
    if "inflation" in parts:
        tables["near_duplicates_inflation"] = inflation(data, options.groups)
    show(tables, options.output)


def _each(change: Any) -> Any:
    return lambda images: np.stack([np.asarray(change(Image.fromarray(i))) for i in images])


def _compressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75)
    return Image.open(file)


def _resized(box: tuple[int, int, int, int]) -> Any:
    return _each(lambda image: image.crop(box).resize((32, 32), Image.Resampling.BILINEAR))


def _clipped(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, deviation, images.shape)
    return _clipped(images + noise)


_BORDER = [(0, 0), (2, 2), (2, 2), (0, 0)]
CHANGES = {
    "crop by 2, resized": _resized((2, 2, 30, 30)),
    "crop by 2 in one corner, resized": _resized((0, 0, 30, 30)),
    "crop by 2, padded with 0": lambda x: np.pad(x[:, 2:30, 2:30], _BORDER),
    "moved by (2, 2), padded with 0": lambda x: np.pad(x, _BORDER)[:, 4:, 4:],
    "mirrored": lambda x: x[:, :, ::-1],
    "JPEG, quality 75": _each(_compressed),
    "brightness + 10 %": lambda x: _clipped(1.1 * x),
    "brightness - 10 %": lambda x: _clipped(0.9 * x),
    "noise, standard deviation 5": lambda x: _noisy(x, 5),
    "noise, standard deviation 10": lambda x: _noisy(x, 10),
    "mirrored, crop by 2, resized, JPEG 75": lambda x: _each(_compressed)(
        _resized((2, 2, 30, 30))(x[:, :, ::-1])
    ),
}


def planted(data: Bunch, n_copies: int) -> pd.DataFrame:
    """Return the share of planted copies, and of look-alikes, that are found."""
    images = np.concatenate([data.images, data.test_images])
    rng = np.random.default_rng(0)
    sources = [rng.choice(len(images), n_copies, replace=False) for _ in range(len(CHANGES) + 1)]
    details = rng.choice(len(images), n_copies, replace=False)
    added = [change(images[s]) for change, s in zip(CHANGES.values(), sources, strict=False)]
    added.append(_look_alikes(images[sources[-1]], images[details]))
    pairs = find_near_duplicates(np.concatenate([images, *added]), n_jobs=2).pairs
    paired = set(zip(pairs["first"].tolist(), pairs["second"].tolist(), strict=True))
    rows = []
    for k, name in enumerate([*CHANGES, "look-alikes, which are no copies"]):
        origins = [sources[k]] if name in CHANGES else [sources[k], details]
        own = len(images) + k * n_copies + np.arange(n_copies)
        hits = np.array(
            [any((int(o[i]), int(own[i])) in paired for o in origins) for i in range(n_copies)]
        )
        low, high = stats.binomtest(int(hits.sum()), n_copies).proportion_ci(method="wilson")
        rows.append({"change": name, "planted": n_copies, "found": hits.mean()})
        rows[-1] |= {"ci95_low": low, "ci95_high": high}
    return pd.DataFrame(rows)


def _look_alikes(coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Join the low frequencies of images with the others of other images."""
    frequency = np.fft.fftfreq(coarse.shape[1]) * coarse.shape[1]
    is_coarse = np.hypot(frequency[:, np.newaxis], frequency)[..., np.newaxis] <= 4
    spectrum = np.where(
        is_coarse, np.fft.fft2(coarse, axes=(1, 2)), np.fft.fft2(fine, axes=(1, 2))
    )
    return _clipped(np.fft.ifft2(spectrum, axes=(1, 2)).real)


def found(options: argparse.Namespace) -> pd.DataFrame:
    """Return what the data set holds, and the cost of the search in a process of its own."""
    words = ["--dataset", options.dataset, "--measure"]
    words += ["--limit", options.limit] if options.limit else []
    words += ["--output", options.output] if options.output else []
    reported = in_new_process(MODULE, words, threads=2)
    return pd.DataFrame({"what": list(reported), "value": list(reported.values())})


def measure(data: Bunch, output: Path | None) -> None:
    """Search with two threads; report time, memory and counts, beside a product of matrices."""
    with Stopwatch() as stopwatch:
        result = find_in_splits(data, n_jobs=2)
    if output:
        from cifar_sk.displays.duplicate_pairs import DuplicatePairsDisplay

        output.mkdir(parents=True, exist_ok=True)
        display = DuplicatePairsDisplay.at_random(result.pairs, data).plot()
        display.figure_.savefig(output / "near_duplicates.png", dpi=80)
    facts = {"images": len(result.found.groups)}
    for row in result.counts.to_dict("records"):
        facts |= {f"{row['between']} pairs": row["pairs"]}
        facts |= {f"{row['between']} pairs with other labels": row["other_labels"]}
    sizes = np.bincount(result.groups)
    facts |= {
        "share of test images with a copy": result.n_matched / result.n_test,
        "test images with a copy of another label": result.n_conflicts,
        "training images with a copy": int(sizes[sizes > 1].sum()),
        "groups of training images": int((sizes > 1).sum()),
        "largest group": int(sizes.max()),
        "pairs cut": result.found.n_cut,
        "cpu_s of a product of 4,000×4,000 matrices, float32": _product_seconds(),
    }
    report_usage(stopwatch, **facts)


def _product_seconds() -> float:
    matrix = np.random.default_rng(0).random((4000, 4000), dtype=np.float32)
    begun = time.process_time()
    matrix @ matrix
    return time.process_time() - begun


def _flat(images: np.ndarray) -> np.ndarray:
    """Return the means of 2×2 pixels, a row per image."""
    n, height, width, n_channels = images.shape
    boxes = images.reshape(n, height // 2, 2, width // 2, 2, n_channels)
    return boxes.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1) / 255


def classifiers() -> dict[str, Any]:
    """Return classifiers, from one that remembers images to one that cannot."""
    linear = LogisticRegression(C=1e-3, max_iter=200)
    return {
        "nearest neighbour": KNeighborsClassifier(1),
        "random forest, 50 trees": RandomForestClassifier(50, random_state=0),
        "logistic regression": make_pipeline(StandardScaler(), linear),
    }


def inflation(
    data: Bunch, file: Path | None, n_images: int = 4000, n_repeats: int = 3
) -> pd.DataFrame:
    """Return accuracies with copies kept, grouped and dropped, and what copies feign."""
    if file is None:
        groups = find_near_duplicates(data.images, n_jobs=2).groups
    else:
        groups = np.unique(load_groups(file, len(data.target)), return_inverse=True)[1]
    is_single = np.bincount(groups)[groups] == 1
    rng = np.random.default_rng(0)
    half = min(n_images // 2, int((~is_single).sum()))
    chosen = np.sort(
        np.concatenate(
            [
                rng.choice(np.flatnonzero(~is_single), half, replace=False),
                rng.choice(np.flatnonzero(is_single), half, replace=False),
            ]
        )
    )
    X, y, groups = data.images[chosen], data.target[chosen], groups[chosen]
    groups = np.unique(groups, return_inverse=True)[1]
    kept = np.delete(np.arange(len(y)), superfluous(groups, y))
    is_copied = np.bincount(groups)[groups] > 1
    rows = []
    for name, classifier in classifiers().items():
        pipeline = make_pipeline(FunctionTransformer(_flat), classifier)
        keep = _correct(pipeline, X, y, None, n_repeats)
        group = _correct(pipeline, X, y, groups, n_repeats)
        drop = _correct(pipeline, X[kept], y[kept], None, n_repeats)
        parts = {
            "all images": (keep, group, groups),
            "images with a copy": (keep[is_copied], group[is_copied], groups[is_copied]),
            "images left by drop": (keep[kept], drop, groups[kept]),
        }
        for part, (before, after, of) in parts.items():
            gain, low, high = _clustered_interval(before - after, of)
            against = "drop" if after is drop else "group"
            rows.append({"classifier": name, "scored on": part, "images": len(of)})
            rows[-1] |= {"keep": before.mean(), "against": against, "accuracy": after.mean()}
            rows[-1] |= {"inflation": gain, "ci95_low": low, "ci95_high": high}
    return pd.DataFrame(rows)


def _correct(
    pipeline: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, n_repeats: int
) -> np.ndarray:
    """Return in which share of the repeats each image is classified right."""
    splits = make_splits(y, n_folds=5, n_repeats=n_repeats, groups=groups)
    result = cross_validate_oof(pipeline, X, y, cv=splits, random_state=0)
    correct = np.zeros(len(y))
    for fold in result.folds:
        predicted = result.classes[fold.proba.argmax(axis=1)]
        correct[fold.test_index] += predicted == y[fold.test_index]
    return correct / n_repeats


def _clustered_interval(values: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Return mean and 95 % t interval of values that are alike within groups."""
    mean = values.mean()
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=values - mean)
    n_groups = len(sums)
    error = np.sqrt(n_groups / (n_groups - 1) * (sums**2).sum()) / len(values)
    reach = stats.t.ppf(0.975, n_groups - 1) * error
    return float(mean), float(mean - reach), float(mean + reach)


if __name__ == "__main__":
    main()
