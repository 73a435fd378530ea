"""Checks what a person writes about a parameter, and makes it an entry of a search space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.pipelines.params import augmentation_operation, check_depth
from cifar_sk.tuning import space_entries as entries
from cifar_sk.tuning.space_entries import Choices, Entry, Operations, Range, as_scalar, decimal

__all__ = ["parse_entry"]

_MOST_STEPS = 10**15  # more than floats can tell apart
_EXAMPLE = "such as [32, 64], or a table such as { low = 0.0, high = 0.5 }"


def parse_entry(name: str, value: Any) -> Entry:
    """Read what a search space says about a parameter, or a step."""
    if not isinstance(name, str) or not name:
        raise InputError(f"A search space names parameters as step__param; got {name!r}.")
    check_depth(name, value)
    value = entries.as_plain(value)
    if "__" not in name:
        return _operations(name, value)
    if isinstance(value, Mapping):
        return _range(name, value)
    return Choices(_choices(name, value))


def _operations(name: str, values: Any) -> Operations:
    if not isinstance(values, list):
        raise InputError(
            f"{name} is searched as a step of the pipeline, which takes a list such as "
            f'["passthrough", "crop:4"]; a parameter is named step__param, such as '
            f"classifier__learning_rate."
        )
    texts = _choices(name, values)
    seen: list[Any] = []
    for text in texts:
        found = entries.described(augmentation_operation(name, text))
        if found in seen:
            raise InputError(f"{name} has {text!r} twice; name each operation once.")
        seen.append(found)
    return Operations(texts)


def _choices(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise InputError(f"{name} must be a list of choices, {_EXAMPLE}; got {values!r}.")
    if not values:
        raise InputError(f"{name} has no choices; list some, {_EXAMPLE}, or leave it out.")
    for index, value in enumerate(values):
        if not _is_storable(value):
            raise InputError(
                f"{name} cannot be chosen as {value!r}: choices are numbers that are finite, "
                "texts, true, false, None, or lists of them."
            )
        # Optuna cannot tell 1 from True, nor a list from its text.
        if any(as_scalar(value) == as_scalar(v) or value == v for v in values[:index]):
            raise InputError(f"{name} has {value!r} twice; name each choice once.")
    return tuple(values)


def _range(name: str, table: Mapping[str, Any]) -> Range:
    _check_keys(name, table)
    low, high, step = table["low"], table["high"], table.get("step")
    log = table.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"log of {name} must be true or false; got {log!r}.")
    if low >= high:
        raise InputError(f"low of {name} must be below high; got {low} and {high}.")
    if log and low <= 0:
        raise InputError(f"low of {name} must be above 0 where log is true; got {low}.")
    if log and step is not None:
        raise InputError(f"{name} cannot have both log and step; leave one of them out.")
    width = decimal(high) - decimal(low)
    if step is not None and not 0 < decimal(step) <= width:
        raise InputError(f"step of {name} must be above 0 and fit into the range; got {step}.")
    if step is not None and width / decimal(step) > _MOST_STEPS:
        raise InputError(f"step of {name} is too small for the range; got {step}.")
    if all(isinstance(number, int) for number in (low, high, step or 0)):
        step = step or 1
        return Range(low, low + (high - low) // step * step, step, log)
    if step is None:
        return Range(float(low), float(high), None, log)
    n_steps = width // decimal(step)
    return Range(float(low), float(decimal(low) + n_steps * decimal(step)), float(step), log)


def _check_keys(name: str, table: Mapping[str, Any]) -> None:
    known = ["low", "high", "step", "log"]
    for key in table:
        if key not in known:
            raise InputError(f"The range {name} has no {key!r}{did_you_mean(str(key), known)}.")
    for key in ("low", "high"):
        if key not in table:
            raise InputError(f"The range {name} has no {key}; give low and high.")
    for key in ("low", "high", "step"):
        value = table.get(key)
        if not (entries.is_number(value) or (key == "step" and value is None)):
            raise InputError(f"{key} of {name} must be a finite number; got {value!r}.")


def _is_storable(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_storable(item) for item in value)
    return value is None or isinstance(value, bool | str) or entries.is_number(value)
