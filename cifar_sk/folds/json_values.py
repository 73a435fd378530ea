"""Parameters as JSON values, and JSON files that are read by a schema."""

from __future__ import annotations

import json
import math
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cifar_sk.errors import InputError, reason

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["plain", "read_json", "validate"]

_MAX_BYTES = 100_000_000
Schema = TypeVar("Schema", bound="BaseModel")


def plain(value: Any) -> Any:
    """Turn a parameter's value into JSON values, equal for equal parameters.

    Tuples and arrays become lists; an estimator its class's name, for its parameters are listed
    by themselves; other objects their name or text, and NaN its text.

    Examples
    --------
    >>> plain({"widths": (32, 64), "tol": float("nan")})
    {'widths': [32, 64], 'tol': 'nan'}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN, and NaN is never equal to itself
    if isinstance(value, bool | int | float | str | None):
        return value
    if hasattr(value, "get_params"):
        return type(value).__name__
    # An address would be another one in every process.
    return getattr(value, "__qualname__", None) or re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def read_json(file: Path, remedy: str) -> Any:
    """Read a file of JSON; an `InputError` names the file, and the remedy, if that cannot be."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no file")  # a pipe or a device would have no end
        if status.st_size > _MAX_BYTES:
            raise ValueError(f"it has {status.st_size:,} bytes")
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} cannot be read as JSON ({reason(error)}); {remedy}.") from error


def validate(schema: type[Schema], values: Any, file: Path, remedy: str) -> Schema:
    """Check JSON values by a schema; an `InputError` names the file, the field and the remedy."""
    from pydantic import ValidationError

    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "its content"
        raise InputError(f"{file} cannot be used: {field}: {first['msg']}; {remedy}.") from error
