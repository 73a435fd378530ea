"""The one error that command lines turn into a sentence and exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["InputError", "did_you_mean"]

_MAX_LISTED = 12  # names beside a suggestion; more would bury it


class InputError(ValueError):
    """Input that cannot be used: a file, an option or a parameter.

    The message is one sentence that names what was got and the remedy. It is a ``ValueError``,
    so code that uses the library as scikit-learn is used needs to know no other name.
    """


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """End a message about an unknown name: the nearest known name, or all of them."""
    known = sorted(candidates)
    listed = ", ".join(known)
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not nearest:
        return f"; known: {listed}"
    rest = f"known: {listed}" if len(known) <= _MAX_LISTED else f"one of {len(known)}"
    return f"; did you mean {nearest[0]!r}? ({rest})"
