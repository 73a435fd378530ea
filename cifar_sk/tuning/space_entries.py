"""Ranges, choices and operations; values are stored for Optuna and native for pipelines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.pipelines.params import PASSTHROUGH, augmentation_operation

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

__all__ = [
    "Choices",
    "Entry",
    "Operations",
    "Range",
    "as_plain",
    "as_scalar",
    "decimal",
    "described",
    "is_number",
]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; all of them are ints, or all are floats."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_int(self) -> bool:
        """Whether the numbers are ints."""
        return isinstance(self.low, int)

    def plain(self) -> dict[str, Any]:
        """Write the entry as JSON values."""
        table: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.step is not None and not (self.is_int and self.step == 1):
            table["step"] = self.step
        return {**table, "log": True} if self.log else table

    def suggest(self, trial: optuna.Trial, name: str) -> Any:
        """Take a value from a trial."""
        suggest: Any = trial.suggest_int if self.is_int else trial.suggest_float
        return suggest(name, self.low, self.high, step=self.step, log=self.log)

    def distribution(self, *, native: bool = False) -> BaseDistribution:
        """Return Optuna's distribution of stored values, or of native ones."""
        from optuna.distributions import FloatDistribution, IntDistribution

        kind: Any = IntDistribution if self.is_int else FloatDistribution
        return kind(self.low, self.high, step=self.step, log=self.log)

    def stored(self) -> list[Any] | None:
        """List the stored values; None where they cannot be counted."""
        return None if self.n_values is None else [*map(self._stored, range(self.n_values))]

    def native(self) -> list[Any] | None:
        """List the values for scikit-learn; None where they cannot be counted."""
        values = self.stored()
        return None if values is None else [self.decode(value) for value in values]

    @property
    def n_values(self) -> int | None:
        """Number of values; None where they cannot be counted."""
        if self.step is None:
            return None
        return int((decimal(self.high) - decimal(self.low)) / decimal(self.step)) + 1

    def probes(self) -> list[Any]:
        """List the values that a step must accept for all to be acceptable."""
        return [self.low, self.high]

    def decode(self, stored: Any) -> Any:
        """Turn a stored value into a parameter's, 0.30000000000000004 into 0.3."""
        place = self._place(stored)
        if place is None:
            return float(stored)
        value = decimal(self.low) + place * decimal(self.step or 0)
        return int(value) if self.is_int else float(value)

    def encode(self, value: Any) -> Any:
        """Turn a parameter's value into the stored one; LookupError if it lies outside."""
        place = self._place(value)
        return float(value) if place is None else self._stored(place)

    def random(self) -> Any:
        """Return what RandomizedSearchCV draws from: a scipy distribution, or a list."""
        from scipy import stats

        if self.step is None:
            if self.log:
                return stats.loguniform(self.low, self.high)
            return stats.uniform(self.low, self.high - self.low)
        if not self.is_int or self.step > 1:
            return self.native()
        if not self.log:
            return stats.randint(self.low, self.high + 1)
        values = np.arange(self.low, self.high + 1)  # each as likely as with Optuna
        weights = np.log((values + 0.5) / (values - 0.5))
        return stats.rv_discrete(values=(values, weights / weights.sum()))()

    def _stored(self, place: int) -> Any:
        # In Optuna's own arithmetic: stored values are compared with those that it draws.
        return min(place * (self.step or 0) + self.low, self.high)

    def _place(self, value: Any) -> int | None:
        """Count the steps from `low`; None where there are none, LookupError if outside."""
        value = as_plain(value)
        if not is_number(value):
            raise LookupError(value)
        # exp(log(low)) may lie a rounding below low
        if not self.low <= value <= self.high and not any(
            math.isclose(value, end) for end in (self.low, self.high)
        ):
            raise LookupError(value)
        if self.step is None:
            return None
        place = round((value - self.low) / self.step)
        nearest = place * self.step + self.low
        if not math.isclose(value, nearest, rel_tol=1e-9, abs_tol=1e-9 * self.step):
            raise LookupError(value)
        return place


@dataclass(frozen=True)
class Choices:
    """Values without an order: None, bools, numbers, texts, or lists of them."""

    values: tuple[Any, ...]

    def plain(self) -> list[Any]:
        """Write the entry as JSON values."""
        return json.loads(json.dumps(self.values))

    # scikit-learn takes them as they are; a step must accept every one.
    native = probes = plain

    def suggest(self, trial: optuna.Trial, name: str) -> Any:
        """Take a value from a trial."""
        return trial.suggest_categorical(name, self.stored())

    def distribution(self, *, native: bool = False) -> BaseDistribution:
        """Return Optuna's distribution of stored values, or of native ones."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.native() if native else self.stored())

    def stored(self) -> list[Any]:
        """List the stored values."""
        return [as_scalar(value) for value in self.values]

    @property
    def n_values(self) -> int:
        """Number of values."""
        return len(self.values)

    def decode(self, stored: Any) -> Any:
        """Turn a stored value into a parameter's."""
        for known, value in zip(self.stored(), self.plain(), strict=True):
            if _is_same(known, stored):
                return value
        raise LookupError(stored)

    def encode(self, value: Any) -> Any:
        """Turn a parameter's value into the stored one; LookupError if it is no choice."""
        for known in self.values:
            if _is_same(known, as_plain(value)):
                return as_scalar(known)
        raise LookupError(value)


@dataclass(frozen=True)
class Operations(Choices):
    """The choices for an augmentation step, in the language of augmentation policies."""

    def native(self) -> list[Any]:
        """List the steps for scikit-learn, "passthrough" as itself."""
        return [_operation(text) for text in self.values]

    def encode(self, value: Any) -> Any:
        """Find the choice that makes a step; LookupError if there is none."""
        for text in self.values:
            if text == value or described(_operation(text)) == described(value):
                return text
        if isinstance(value, str) and value != PASSTHROUGH:
            with suppress(InputError):
                return self.encode(_operation(value))
        raise LookupError(value)


Entry = Range | Choices


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; bools are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def as_plain(value: Any) -> Any:
    """Turn tuples and NumPy's values into Python's lists and numbers."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    is_sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return [as_plain(item) for item in value] if is_sequence else value


def as_scalar(value: Any) -> Any:
    """Turn a list into JSON text, which Optuna can store."""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_number(one) or is_number(other):
        return is_number(one) and is_number(other) and one == other
    return type(one) is type(other) and one == other


def decimal(number: float) -> Decimal:
    """Read a float as it is written: 0.1 as one tenth."""
    return Decimal(str(number))


def _operation(text: str) -> Any:
    return augmentation_operation("", text)


def described(step: Any) -> Any:
    """Describe a step so that equal ones are equal."""
    if step is None or not hasattr(step, "get_params"):
        return PASSTHROUGH if step is None else step
    return type(step).__name__, step.get_params(deep=False)
