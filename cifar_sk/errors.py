"""The one error that command lines turn into a sentence and exit code 2, and who raises it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["InputError", "did_you_mean", "printable", "read_text", "reading", "reason"]

_MAX_LISTED = 12  # names beside a suggestion; more would bury it
_MAX_COMPARED = 1_000  # names of which the nearest is found in no time
_MAX_MESSAGE = 1_000  # characters; what is quoted may be of any length


class InputError(ValueError):
    """Input that cannot be used: a file, an option or a parameter.

    The message is one sentence that names what was got and the remedy. It is a ``ValueError``,
    so code that uses the library as scikit-learn is used needs to know no other name.

    Parameters
    ----------
    message : str
        What is too long for a sentence, as quoted text may be, loses its middle.
    """

    def __init__(self, message: str = "") -> None:
        if len(message) > _MAX_MESSAGE:
            half = _MAX_MESSAGE // 2
            message = f"{message[:half]} […] {message[-half:]}"
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Write by their codes what the names of files may hold beside Unicode characters."""
    return text.encode(errors="backslashreplace").decode()


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """End a message about an unknown name: the nearest known name, or all of them."""
    known = sorted(candidates)
    listed = ", ".join(known)
    compared = known if len(known) <= _MAX_COMPARED else []
    nearest = difflib.get_close_matches(name, compared, n=1, cutoff=0.5)
    if not nearest:
        return f"; known: {listed}"
    rest = f"known: {listed}" if len(known) <= _MAX_LISTED else f"one of {len(known)}"
    return f"; did you mean {nearest[0]!r}? ({rest})"


def reason(error: BaseException) -> str:
    """Say in a line what an error says in several, or nothing of."""
    own = error.strerror if isinstance(error, OSError) else None
    return own or " ".join(str(error).split()).rstrip(".") or type(error).__name__


@contextmanager
def reading(where: str, kind: str, remedy: str) -> Iterator[None]:
    """Turn whatever a foreign file raises while it is read into a sentence that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # damaged bytes raise nearly anything out of a parser
        raise InputError(
            f"{where} cannot be read as {kind} ({reason(error)}): {remedy}"
        ) from error


def read_text(path: str | Path, kind: str, *, most: int = 10) -> str:
    """Read a file of at most so many MB; a device or a pipe would have no end."""
    path = Path(path)
    with reading(f"'{path}'", kind, "give another file"):
        if path.exists() and not path.is_file():
            raise InputError(f"'{path}' must be a file of {kind}; it is a folder or a device.")
        with path.open("rb") as file:
            content = file.read(most * 1_000_000 + 1)
        if len(content) > most * 1_000_000:
            limit = f"at most {most} MB; it is larger"
            raise InputError(f"'{path}' must be a file of {kind} of {limit}.")
        return content.decode("utf-8-sig")
