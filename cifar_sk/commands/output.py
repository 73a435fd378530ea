"""Output that lasts whatever becomes of the reader, and what its folder is called."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

__all__ = ["folder_name", "lasting_output"]

_MAX_NAME = 200  # bytes; file systems end at 255


@contextmanager
def lasting_output() -> Iterator[list[OSError]]:
    """Let no output fail in this block; yield what was lost otherwise than by a reader's wish."""
    # A run must finish though nobody reads what it prints (`| head -1`), and though the terminal
    # cannot show every character.
    lost: list[OSError] = []
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _lasting(sys.stdout, "replace", lost), _lasting(sys.stderr, "", lost)
    try:
        yield lost
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as where it was closed from the start
                stream.flush()
        sys.stdout, sys.stderr = before


def _lasting(stream: TextIO, errors: str, lost: list[OSError]) -> TextIO:
    binary = getattr(stream, "buffer", None)
    raw = getattr(binary, "raw", binary)  # one and the same where output is not buffered
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.FileIO):
        return stream  # a test or a notebook has put its own there
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(raw.fileno(), lost)),
        encoding=stream.encoding,
        errors=errors or stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Lasting(io.FileIO):
    """A file descriptor that leads nowhere once it could not be written to."""

    def __init__(self, descriptor: int, lost: list[OSError]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._lost = lost

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self._lost.append(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def folder_name(names: Sequence[str]) -> str:
    """Make a folder's name of those of several runs."""
    name = "-vs-".join(name.replace("/", "+").replace("\\", "+") for name in names)
    if len(name.encode()) <= _MAX_NAME:
        return name
    # Long names that begin alike are told apart by their digests.
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name.encode()[: _MAX_NAME - 13].decode(errors='ignore')}-{digest}"
