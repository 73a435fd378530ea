"""Finished run folders with a damaged file, and what the commands that read them make of it."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from studies.benchmarks.fault_cases import (
    Answer,
    Case,
    Outcome,
    ask,
    spread,
    tables,
    tiny_data,
    undrawn,
)

__all__ = ["GROUPS", "Runner", "cases"]

# Files by group; ten ways of damage each, those of run.json at three times as many places.
_FILES = {
    "predictions.npz": ["folds/*/predictions.npz"],
    "metrics.json": ["folds/*/metrics.json"],
    "history.csv": ["folds/*/history.csv"],
    "classifier.json": ["folds/*/classifier.json"],
    "model.keras": ["folds/*/model.keras"],
    "list of a fold's files": ["folds/*/files.json"],
    "run.json": ["run.json"],
    "labels": ["target.npy", "test_target.npy"],
    "tables": ["*.csv", "*.txt"],
    "figures and page": ["figures/*.png", "report.html"],
}
_STRAYS = ["00.bak", "0.txt", "00 copy/", "7/", ".DS_Store", "٣/", "01.tmp/", "00~", "-1/", "00x/"]
GROUPS = {
    **dict.fromkeys(_FILES, 20),
    "run.json": 30,
    "tables": 150,
    "figures and page": 110,
    "stray files": len(_STRAYS),
}
_OUTPUTS = {"tables", "figures and page"}  # nothing but a page is made of them
_MODELS = {"model.keras", "classifier.json"}
_TINY = ["--dataset", "{data}", "--threads", "1", "--folds", "2", "--jobs", "1", "--quiet"]
_RUN = ["--model", "ann", "--epochs", "1", "--set", "classifier__hidden_units=[4]", *_TINY]
_RUN += ["--test-split", "--save-models"]
_OTHER = ["--model", "dummy", *_TINY]


def cases() -> list[Case]:
    """List all cases."""
    return spread("damage", GROUPS)


class Runner:
    """Damages copies of a run, and has every command read them."""

    def __init__(self, folder: Path, *, saved: bool = True) -> None:
        self._folder = folder
        self._data = tiny_data(folder / "tiny.npz")
        words = _RUN if saved else [*_OTHER[:1], "logistic", *_OTHER[2:], "--test-split"]
        self._words = [word.format(data=self._data) for word in words]
        self._saved = saved
        other = [word.format(data=self._data) for word in _OTHER]
        with undrawn():
            for name, run in (("a", self._words), ("b", other)):
                answer = ask("cv", [*run, "--results", folder / "whole", "--run", name])
                if answer.name != "done":
                    raise RuntimeError(answer.said)
            copy = self._copy("reference")
            self._expected = {reader: self._read(reader, copy)[1] for reader in self._readers()}

    def run(self, case: Case) -> Outcome:
        """Damage a copy, and let every command read it."""
        rng = random.Random(case.key)  # noqa: S311  (no secret)
        copy = self._copy(f"{case.group} {case.number}")
        damage = self._damage(case, copy, rng)
        if damage is None:
            shutil.rmtree(copy.parent)
            return Outcome({}, "this version writes no such file")
        counts: Counter[str] = Counter()
        details = [damage]
        readers = ["report", "resume"] if case.group in _OUTPUTS else self._readers()
        if case.group not in _MODELS and "explain again" in readers:
            readers.remove("explain again")
        with undrawn():
            for reader in readers:
                status, folds = _status(copy), _stamps(copy, "folds/*/*")
                answer, written = self._read(reader, copy)
                name = self._judged(reader, answer, written)
                if name.startswith("a sentence") and "run.json" not in damage:
                    name = name if _status(copy) == status else "a refusal that changed the run"
                if reader == "resume" and name == "identical tables":
                    same = folds.items() <= _stamps(copy, "folds/*/*").items()
                    name = name if same else "fitted again, identical tables"
                counts[name] += 1
                details.append(f"{reader}: {name}")
                details += [answer.said[-400:]] * (not name.endswith("identical tables"))
        shutil.rmtree(copy.parent)
        return Outcome(dict(counts), "\n".join(details))

    def _readers(self) -> list[str]:
        # Once more after --resume, which must have made the models whole.
        models = ["explain"] if self._saved else []
        return ["report", "compare", *models, "resume", *(["explain again"] if models else [])]

    def _copy(self, name: str) -> Path:
        folder = self._folder / name.replace("/", "-")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._folder / "whole", folder, symlinks=True)
        return folder / "a"

    def _read(self, reader: str, copy: Path) -> tuple[Answer, dict[str, bytes]]:
        """Run a command, and return the tables that it wrote."""
        before = _stamps(copy.parent)
        answer = ask(*self._command(reader, copy))
        after = _stamps(copy.parent)
        new = [copy.parent / name for name in after if after[name] != before.get(name)]
        kept = [file for file in new if file.suffix in {".csv", ".txt"}]
        return answer, tables(copy.parent, kept)

    def _command(self, reader: str, copy: Path) -> tuple[str, list[Any]]:
        data = ["--dataset", self._data]
        if reader == "report":
            return "report", [copy, *data]
        if reader == "compare":
            other = copy.with_name("b")
            return reader, [copy, other, "--no-images", "--output", copy.with_name("compared")]
        if reader == "resume":
            return "cv", [*self._words, "--results", copy.parent, "--run", "a", "--resume"]
        return "explain", [copy, *data, "--method", "saliency", "--n", "1"]

    def _judged(self, reader: str, answer: Answer, written: dict[str, bytes]) -> str:
        if answer.name != "done":
            return answer.name
        same = written == self._expected[reader]
        return "identical tables" if same else "SILENT WRONG TABLE"

    def _damage(self, case: Case, copy: Path, rng: random.Random) -> str | None:
        if case.group == "stray files":
            stray = copy / "folds" / _STRAYS[case.number]
            if _STRAYS[case.number].endswith("/"):
                stray.mkdir()
            else:
                stray.write_text("of another program")
            return f"folds/{_STRAYS[case.number]}"
        files = [file for pattern in _FILES[case.group] for file in sorted(copy.glob(pattern))]
        if not files:
            return None
        ways = list(WAYS)
        file = files[case.number // len(ways) % len(files)]
        way = ways[case.number % len(ways)]
        old = file.read_bytes()
        WAYS[way](file, rng)
        if file.is_file() and file.read_bytes() == old:
            _flip(file, rng)  # such as a swap of two equal files
        return f"{file.relative_to(copy)}: {way}"


def _stamps(folder: Path, pattern: str = "**/*") -> dict[str, tuple[int, int]]:
    found = {}
    for file in folder.glob(pattern):
        if file.is_file():
            stat = file.stat()
            found[file.relative_to(folder).as_posix()] = (stat.st_ino, stat.st_mtime_ns)
    return found


def _status(copy: Path) -> str:
    with suppress(OSError, ValueError, AttributeError, TypeError):
        return str(json.loads((copy / "run.json").read_text()).get("status"))
    return "unreadable"


# --- the ten ways ---------------------------------------------------------------------------


def _flip(file: Path, rng: random.Random, *, within: int | None = None) -> None:
    content = bytearray(file.read_bytes() or b"\0")
    for _ in range(rng.randint(1, 3)):
        content[rng.randrange(min(len(content), within or len(content)))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def _truncate(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: rng.randrange(max(1, len(content)))])


def _replace_by_folder(file: Path, _: random.Random) -> None:
    file.unlink()
    file.mkdir()


def _zeros(file: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    begin = rng.randrange(max(1, len(content)))
    end = min(len(content), begin + rng.randint(1, 512))
    content[begin:end] = bytes(end - begin)
    file.write_bytes(content)


def _append(file: Path, rng: random.Random) -> None:
    file.write_bytes(file.read_bytes() + rng.randbytes(rng.randint(1, 200)))


def _swap(file: Path, rng: random.Random) -> None:
    """Swap with the same file of another fold, or with another file of its kind."""
    others = sorted(file.parent.parent.glob(f"*/{file.name}"))
    others = others if len(others) > 1 else sorted(file.parent.glob(f"*{file.suffix}"))
    others = [other for other in others if other != file]
    if others:
        other = rng.choice(others)
        own, theirs = file.read_bytes(), other.read_bytes()
        file.write_bytes(theirs)
        other.write_bytes(own)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """List the containers and keys of all JSON values within one."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    inner = [place for _, item in items for place in _places(item)]
    return [(value, key) for key, _ in items] + inner


def _other_type(file: Path, rng: random.Random) -> None:
    """Give a JSON value another type; of other files, flip a bit of the header."""
    if file.suffix != ".json":
        _flip(file, rng, within=64)
        return
    content = json.loads(file.read_text())
    container, key = rng.choice(_places(content))
    candidates: list[Any] = [None, 7, 0.5, "text", [], {}, [[1]], {"a": {"b": []}}, True, -1]
    container[key] = rng.choice([c for c in candidates if type(c) is not type(container[key])])
    file.write_text(json.dumps(content))


def _other_value(file: Path, rng: random.Random) -> None:
    """Change one number or text, and leave the file whole otherwise."""
    if file.suffix == ".json":
        content = json.loads(file.read_text())
        leaves = [(c, k) for c, k in _places(content) if not isinstance(c[k], dict | list)]
        container, key = rng.choice(leaves)
        container[key] = _changed(container[key])
        file.write_text(json.dumps(content, indent=1))
    elif file.suffix == ".csv":
        rows = list(csv.reader(io.StringIO(file.read_text())))
        row = rng.choice(rows[1:] or rows)
        column = rng.randrange(len(row))
        row[column] = str(_changed(_number(row[column])))
        with file.open("w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows(rows)
    elif file.suffix in {".npz", ".npy"}:
        _other_number(file, rng)
    else:
        file.write_bytes(rng.randbytes(file.stat().st_size))


def _other_number(file: Path, rng: random.Random) -> None:
    loaded = np.load(file, allow_pickle=False)
    arrays = {"": loaded.copy()} if file.suffix == ".npy" else dict(loaded)
    array = arrays[rng.choice(sorted(arrays))]
    flat = array.reshape(-1)
    place = rng.randrange(flat.size)
    is_index = array.dtype.kind in "iu"
    flat[place] = (flat[place] + 1) % 3 if is_index else 1 - flat[place]
    if file.suffix == ".npy":
        np.save(file, arrays[""])
    else:
        np.savez(file, **arrays)


def _number(text: str) -> Any:
    with suppress(ValueError):
        return float(text) if "." in text else int(text)
    return text


def _changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}x"


WAYS: dict[str, Callable[[Path, random.Random], Any]] = {
    "bits flipped": _flip,
    "truncated": _truncate,
    "emptied": lambda file, _: file.write_bytes(b""),
    "removed": lambda file, _: file.unlink(),
    "replaced by a folder": _replace_by_folder,
    "a block of zeros": _zeros,
    "bytes appended": _append,
    "swapped with another": _swap,
    "another JSON type, or a bit of the header": _other_type,
    "a value changed": _other_value,
}
