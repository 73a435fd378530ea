"""Search spaces as TOML, which Python reads but does not write."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from cifar_sk.errors import InputError

__all__ = ["read_toml", "toml_line"]


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file; an InputError if it cannot be read."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"The search space {path} cannot be read as TOML: {text}.") from error


def toml_line(name: str, value: Any) -> str:
    """Write a key and its value as a line; a dict becomes an inline table."""
    is_bare = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return f"{name if is_bare else json.dumps(name, ensure_ascii=False)} = {_toml(value, name)}\n"


def _toml(value: Any, name: str) -> str:
    if value is None:
        raise InputError(f"{name} may be None, for which TOML has no word; keep it in Python.")
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(v, name)}' for key, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item, name) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
