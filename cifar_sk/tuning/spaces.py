"""Search spaces: plain data that drives Optuna's studies and scikit-learn's searches alike."""

from __future__ import annotations

import json
import math
import re
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import clone

from cifar_sk.errors import InputError, did_you_mean, read_text, reading
from cifar_sk.pipelines.params import set_params
from cifar_sk.tuning.space_entries import Entry, Operations, Range
from cifar_sk.tuning.space_parsing import parse_entry

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

__all__ = ["SearchSpace"]


class SearchSpace:
    """The values that a study tries for the parameters of a pipeline.

    Parameters
    ----------
    params : mapping
        By ``step__param``, a list of choices – numbers, texts, true, false, None, or lists of
        them – or a table with ``low``, ``high`` and perhaps ``step`` or ``log = true``. Where
        these are ints, so are the values; otherwise they are floats. By the name of an
        augmentation step, a list of operations as `cifar_sk.augmentation.augmentation_steps`
        reads them, and "passthrough", which leaves the step out.

    Raises
    ------
    InputError
        If an entry is malformed.

    Notes
    -----
    Optuna's storages keep numbers, texts, bools and None only, so a study *stores* a list as
    compact JSON text: ``[32, 64]`` as ``"[32,64]"``. `decode` turns stored values into those
    that `cifar_sk.pipelines.models.set_params` takes.

    Examples
    --------
    >>> space = SearchSpace(
    ...     {
    ...         "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    ...         "classifier__widths": [[16, 32], [32, 64, 128]],
    ...         "randomcrop": ["passthrough", "crop:2", "crop:4"],
    ...     }
    ... )
    >>> space.decode({"classifier__widths": "[16,32]", "randomcrop": "crop:2"})
    {'classifier__widths': [16, 32], 'randomcrop': 'crop:2'}
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        if not isinstance(params, Mapping) or not params:
            raise InputError(
                f"A search space maps step__param to choices or a range; got {params!r}."
            )
        self._entries: dict[str, Entry] = {
            name: parse_entry(name, value) for name, value in params.items()
        }
        for name in self._entries:
            step = name.partition("__")[0]
            if step != name and step in self._entries:
                raise InputError(
                    f"{step} and {name} cannot both be searched, for a step that is left out has "
                    f"no parameters; write the strengths into the choices of {step}."
                )

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a space from a TOML file with a line for each parameter, or raise an InputError."""
        with reading(f"'{path}'", "a search space in TOML", "write a line for each parameter"):
            content = tomllib.loads(read_text(path, "a search space in TOML"))
            try:
                return cls(content)
            except InputError as error:
                raise InputError(f"{path}: {error}") from error

    def to_toml(self) -> str:
        """Write the space as TOML, a line for each parameter; None among choices is an InputError.

        >>> print(SearchSpace({"classifier__dropout": {"low": 0, "high": 0.5}}).to_toml(), end="")
        classifier__dropout = { low = 0.0, high = 0.5 }
        """
        return "".join(_toml_line(name, value) for name, value in self.to_dict().items())

    def to_dict(self) -> dict[str, Any]:
        """Write the space as JSON values, equal for equal spaces."""
        return {name: entry.plain() for name, entry in self._entries.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(self._entries)

    @property
    def n_ranges(self) -> int:
        """Number of the parameters that have a range."""
        return sum(isinstance(entry, Range) for entry in self._entries.values())

    @property
    def size(self) -> int | None:
        """Number of configurations; None if they cannot be counted."""
        sizes = [entry.n_values for entry in self._entries.values()]
        return None if None in sizes else math.prod(size or 0 for size in sizes)

    def highest(self, name: str) -> float:
        """Return the highest number that a parameter can be."""
        return max(self._entries[name].probes())

    @property
    def operations(self) -> dict[str, list[str]]:
        """Choices of the augmentation steps, by the step's name."""
        return {
            name: entry.stored()
            for name, entry in self._entries.items()
            if isinstance(entry, Operations)
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: SearchSpace) -> SearchSpace:
        """Join two spaces; where both name a parameter, the right one has its word."""
        if not isinstance(other, SearchSpace):
            return NotImplemented
        return SearchSpace(self.to_dict() | other.to_dict())

    def __repr__(self) -> str:
        return f"SearchSpace({self.to_dict()!r})"

    # --- values -------------------------------------------------------------------------

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Take a stored value for every parameter from a trial."""
        return {name: entry.suggest(trial, name) for name, entry in self._entries.items()}

    def decode(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Turn stored values into those that `set_params` takes; InputError if one is outside."""
        return self._translated(stored, lambda entry: entry.decode)

    def encode(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Turn parameters, steps as texts or objects, into stored values, or raise InputError."""
        return self._translated(params, lambda entry: entry.encode)

    def _translated(
        self, values: Mapping[str, Any], translation: Callable[[Entry], Callable[[Any], Any]]
    ) -> dict[str, Any]:
        translated = {}
        for name, value in values.items():
            if name not in self._entries:
                raise InputError(
                    f"There is no {name!r} in the search space{did_you_mean(name, self.names)}."
                )
            try:
                translated[name] = translation(self._entries[name])(value)
            except LookupError:
                raise InputError(
                    f"{name} = {value!r} is not in the search space, which has "
                    f"{self._entries[name].plain()}."
                ) from None
        return translated

    def defaults(self, pipeline: Any) -> dict[str, Any]:
        """Return the pipeline's own parameters that lie in the space, as stored values."""
        params = pipeline.get_params(deep=True)
        found = {}
        for name, entry in self._entries.items():
            try:
                found[name] = entry.encode(params[name])
            except LookupError:
                continue
        return found

    # --- searches -----------------------------------------------------------------------

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return Optuna's distributions of the stored values."""
        return {name: entry.distribution() for name, entry in self._entries.items()}

    def grid(self) -> dict[str, list[Any]]:
        """List the stored values, for Optuna's GridSampler; an InputError if they are endless."""
        return self._listed(lambda entry: entry.stored())

    def param_grid(self) -> dict[str, list[Any]]:
        """List the values for scikit-learn's GridSearchCV, augmentation steps as objects."""
        return self._listed(lambda entry: entry.native())

    def _listed(self, values: Callable[[Entry], list[Any] | None]) -> dict[str, list[Any]]:
        endless = [name for name, entry in self._entries.items() if entry.n_values is None]
        if endless:
            raise InputError(
                f"A grid needs values that can be counted, which {', '.join(endless)} "
                f"{'has' if len(endless) == 1 else 'have'} not; add a step, or list choices."
            )
        return {name: values(entry) or [] for name, entry in self._entries.items()}

    def param_distributions(self) -> dict[str, Any]:
        """Return what scikit-learn's RandomizedSearchCV draws from: lists and distributions."""
        return {
            name: entry.random() if isinstance(entry, Range) else entry.native()
            for name, entry in self._entries.items()
        }

    def optuna_distributions(self) -> dict[str, BaseDistribution]:
        """Return what ``OptunaSearchCV`` draws from: real values, for a study in memory."""
        with warnings.catch_warnings():
            # Optuna warns of choices that its files cannot keep. OptunaSearchCV knows no
            # decoding, so these must be the real ones; in memory that is no problem.
            warnings.filterwarnings("ignore", "Choices for a categorical distribution should be")
            return {name: entry.distribution(native=True) for name, entry in self._entries.items()}

    def check(self, pipeline: Any) -> None:
        """Refuse by an InputError what a pipeline has no use for, before anything is fitted."""
        # Each choice, and both ends of each range, is set in a clone in turn.
        probes = {name: entry.probes() for name, entry in self._entries.items()}
        firsts = {name: values[0] for name, values in probes.items()}
        set_params(clone(pipeline), firsts)
        for name, values in probes.items():
            for value in values[1:]:
                try:
                    set_params(clone(pipeline), {**firsts, name: value})
                except InputError as error:
                    raise InputError(
                        f"{name} of the search space cannot be {value!r}: {error}"
                    ) from error


def _toml_line(name: str, value: Any) -> str:
    """Write a key and its value as a line; a dict becomes an inline table."""
    is_bare = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return f"{name if is_bare else _toml(name, name)} = {_toml(value, name)}\n"


def _toml(value: Any, name: str) -> str:
    if value is None:
        raise InputError(f"{name} may be None, for which TOML has no word; keep it in Python.")
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(v, name)}' for key, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item, name) for item in value)}]"
    # The one control character that JSON may hold as it is, and TOML may not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
