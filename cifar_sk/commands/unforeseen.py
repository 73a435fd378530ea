"""The log of an error that nobody foresaw, to be sent to the developers."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

__all__ = ["masked", "write_log"]

# As `tuning.storage.shown_url` hides them, but wherever they stand in a text.
_SECRETS = re.compile(r"(://[^\s:/@]*:)[^\s/]+(?=@)|(password=)[^\s&'\")]+", re.IGNORECASE)


def masked(text: str) -> str:
    """Hide the passwords of all URLs in a text.

    >>> masked("no such host: postgresql+psycopg://ann:secret@db.example.org/studies")
    'no such host: postgresql+psycopg://ann:***@db.example.org/studies'
    """
    return _SECRETS.sub(lambda match: f"{match[1] or match[2]}***", text)


def write_log(error: BaseException, words: Sequence[str]) -> Path | None:
    """Write traceback, versions and command beside the results, or else to the temp folder."""
    name = f"cifar_sk-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        content = masked(_content(error, words)).encode(errors="backslashreplace")
        for folder in (_results(words), Path(tempfile.gettempdir())):
            if folder.is_dir() and _is_written(folder / name, content):
                return (folder / name).absolute()
    except Exception:
        return None  # the sentence must come, even if there is no memory for a log
    return None


def _content(error: BaseException, words: Sequence[str]) -> str:
    try:
        from cifar_sk.runs.provenance import provenance

        about = json.dumps(provenance(words), indent=1)
    except Exception as failed:
        about = f"{shlex.join(words)}\nPython {sys.version}\n{failed!r}"
    return f"{about}\n\n{''.join(traceback.format_exception(error))}"


def _results(words: Sequence[str]) -> Path:
    """Find the folder of the results, as the command line names it."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--results":
            return Path(following)
        if word.startswith("--results="):
            return Path(word.partition("=")[2])
    return Path("results")


def _is_written(path: Path, content: bytes) -> bool:
    from cifar_sk.runs.files import write_atomically

    try:
        write_atomically(path, content)
    except OSError:
        return False
    return True
