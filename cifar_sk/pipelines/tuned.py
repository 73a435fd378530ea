"""A model on file: its name and its parameters, as a study's ``best.json`` has them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_sk.errors import InputError, read_text, reading

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from cifar_sk.runs.image_sketch import ImageSketch

__all__ = ["TunedModel", "read_tuned"]


@dataclass(frozen=True)
class TunedModel:
    """A model's name, augmentation and parameters, and the study and images that selected them.

    Files of older versions have the name and the fingerprint of the data, and no sketch of it.
    """

    model: str | None = None
    augment: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    study: str | None = None
    data: str | None = None
    fingerprint: str | None = None
    images: ImageSketch | None = None

    def selection_note(self, bunch: Bunch) -> str | None:
        """Say that scores on a data set are optimistic, where they are.

        Nothing ("") where the selection saw none of its images, and None where the file does not
        say what it saw.
        """
        if self.images is None:
            return self._note_of_older_version(bunch)
        from cifar_sk.runs.fingerprints import image_hashes

        found = {"this run": self.images.share_in(image_hashes(bunch.images))}
        if bunch.test_images is not None:
            test_hashes = image_hashes(bunch.test_images)
            found["the official test split"] = self.images.share_in(test_hashes)
        said = [f"{_portion(share)} in {where}" for where, share in found.items() if share]
        if not said:
            return ""
        return (
            f"{self._selected} on {self.images.n_images:,} images, of which {' and '.join(said)}, "
            "so scores on them are selected, hence optimistic. Scores on images that the study "
            "never saw are not: other test splits (--test-split), its --holdout, and --nested."
        )

    def _note_of_older_version(self, bunch: Bunch) -> str | None:
        if self.data != bunch.name and self.fingerprint != bunch.fingerprint:
            return None
        return (
            f"{self._selected} on images of {self.data}, so scores on them are optimistic; the "
            "official test split (--test-split), and a study's --holdout and --nested, are not."
        )

    @property
    def _selected(self) -> str:
        return f"The study {self.study} selected these parameters"


def _portion(share: float) -> str:
    if share == 1:
        return "all are"
    return "less than 1 % are" if share < 0.01 else f"about {min(100 * share, 99):.0f} % are"


def read_tuned(path: str | Path) -> TunedModel:
    """Read a model's parameters from a JSON file, such as a study's ``best.json``."""
    kind = "JSON parameters"
    with reading(f"'{path}'", kind, "give a study's best.json, or an object of step__param"):
        content = json.loads(read_text(path, kind))
    is_object = isinstance(content, dict)
    params = content.get("params", content) if is_object else None
    if not isinstance(params, dict):
        raise InputError(f"{path} must hold a JSON object of values by step__param.")
    if params is content:
        return TunedModel(params=params)
    model, augment = content.get("model"), content.get("augment")
    if not isinstance(model, str | None) or not isinstance(augment, str | None):
        raise InputError(f"model and augment in {path} must be names.")
    found = content.get("data")
    data = found if isinstance(found, dict) else {}
    told = content.get("study"), data.get("name"), data.get("fingerprint")
    images = content.get("images")
    sketch = None
    if images is not None:
        from cifar_sk.runs.image_sketch import ImageSketch

        sketch = ImageSketch.from_json(images, f"images in {path}")
    return TunedModel(model, augment, params, *told, sketch)
