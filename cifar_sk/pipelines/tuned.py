"""A model on file: its name and its parameters, as a study's ``best.json`` has them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cifar_sk.errors import InputError, read_text, reading

__all__ = ["TunedModel", "read_tuned"]


@dataclass(frozen=True)
class TunedModel:
    """A model's name, augmentation and parameters, and the study and data that selected them."""

    model: str | None = None
    augment: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    study: str | None = None
    data: str | None = None

    def selection_note(self, data: str) -> str | None:
        """Say that scores on this data set are optimistic, where they are."""
        if self.data != data:
            return None
        return (
            f"The study {self.study} selected these parameters on images of {data}, so scores "
            f"on them are optimistic; the official test split (--test-split), and a study's "
            f"--holdout and --nested, are not."
        )


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
    data = content.get("data")
    data_name = data.get("name") if isinstance(data, dict) else None
    return TunedModel(model, augment, params, content.get("study"), data_name)
