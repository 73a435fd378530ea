"""Bad texts: parameters, groups, search spaces, names and options."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studies.benchmarks.fault_input_data import mutated

__all__ = ["GROUPS_CSV", "NAMES", "OPTIONS", "PARAMS", "SPACES"]

Given = tuple[Any, Any]
_N = 30
_ONE = "classifier__logisticregression__C"


def _file(name: str, content: Any, expected: str = "refuse") -> Callable[..., Given]:
    def generate(folder: Path, rng: random.Random) -> Given:
        given = content(rng) if callable(content) else content
        data = given if isinstance(given, bytes) else given.encode()
        (folder / name).write_bytes(data)
        return folder / name, expected

    return generate


def _params(
    content: Any, expected: str = "refuse", *, own_model: bool = False
) -> Callable[..., Given]:
    is_text = isinstance(content, str | bytes) or callable(content)
    write = _file("best.json", content if is_text else json.dumps(content))
    more = [] if own_model else ["--model", "logistic"]
    return lambda folder, rng: (["--params", write(folder, rng)[0], *more], expected)


def _params_path(name: str) -> Callable[..., Given]:
    return lambda folder, _: (["--params", name.format(folder=folder)], "refuse")


def _path(name: str) -> Callable[..., Given]:
    return lambda folder, _: (name.format(folder=folder), "refuse")


_BEST = {"model": "logistic", "augment": "none", "params": {_ONE: 1.0}, "data": {"name": "x"}}

PARAMS: dict[str, Callable[..., Given]] = {
    "bytes changed": _params(
        lambda rng: mutated(json.dumps(_BEST, indent=1).encode(), rng), "any"
    ),
    "bytes changed again": _params(lambda rng: mutated(json.dumps(_BEST).encode(), rng), "any"),
    "deep": _params("[" * 100_000),
    "deep and whole": _params('{"a":' * 50_000 + "1" + "}" * 50_000),
    "a deep value": _params(f'{{"{_ONE}": ' + "[" * 900 + "]" * 900 + "}"),
    "no object": _params(lambda rng: rng.choice(["[]", "7", "null", '"text"', "true"])),
    "empty": _params(""),
    "not UTF-8": _params(b'{"\xff": 1}'),
    "an unknown name": _params({"classifier__nothing": 1}),
    "20,000 unknown names": _params({f"classifier__x{k}": k for k in range(20_000)}),
    "params of another type": _params({"params": [1]}),
    "a model of another type": _params({"model": 3, "params": {}}, own_model=True),
    "an unknown model": _params({"model": "nothing", "params": {}}, own_model=True),
    "a value of another type": _params(
        lambda rng: json.dumps({_ONE: rng.choice(["text", [], {}, [1], {"a": 1}])})
    ),
    "NaN": _params(f'{{"{_ONE}": NaN}}'),
    "negative": _params({_ONE: -1}),
    "a number of 5,000 digits": _params(f'{{"{_ONE}": {"9" * 5000}}}'),
    "code": _params({"model": "os:system", "params": {}}, own_model=True),
    "an empty name": _params({"": 1}),
    "a study of another type": _params({**_BEST, "study": [1], "data": 7}, "any"),
    "no file": _params_path("{folder}/nothing.json"),
    "a folder": _params_path("{folder}"),
    "/dev/null": _params_path("/dev/null"),
}


def _rows(*lines: str, n: int = _N) -> str:
    return "group\n" + "\n".join([*lines, *(f"g{k % 10}" for k in range(n - len(lines)))]) + "\n"


def _groups(content: Any, expected: str = "refuse") -> Callable[..., Given]:
    return _file("groups.csv", content, expected)


GROUPS_CSV: dict[str, Callable[..., Given]] = {
    "bytes changed": _groups(lambda rng: mutated(_rows().encode(), rng), "any"),
    "bytes changed again": _groups(lambda rng: mutated(_rows().encode(), rng), "any"),
    "too few": _groups(lambda rng: _rows(n=rng.randrange(_N))),
    "too many": _groups(lambda rng: _rows(n=_N + rng.randint(1, 50))),
    "empty": _groups(""),
    "a header alone": _groups("group\n"),
    "no header": _groups("\n".join(f"g{k % 10}" for k in range(_N))),
    "not UTF-8": _groups(_rows("\x00").encode("utf-16")),
    "bytes that are no text": _groups(lambda rng: b"group\n" + bytes([255, 254]) * _N),
    "an empty group": _groups(_rows('""', "", "x")),
    "one group": _groups("group\n" + "a\n" * _N),
    "a group each, of one class": _groups("group\n" + "".join(f"{k % 3}\n" for k in range(_N))),
    "a quote that does not end": _groups(_rows('"a')),
    "more cells": _groups(_rows("a,b,c", "d")),
    "two columns, neither a group": _groups("a,b\n" + "1,2\n" * _N),
    "the column twice": _groups("group,group\n" + "1,2\n" * _N, "any"),
    "a mark of order": _groups("\ufeff" + _rows(), "accept"),
    "a long cell": _groups(_rows("a" * 2_000_000), "accept"),
    "no file": _path("{folder}/nothing.csv"),
    "a folder": _path("{folder}"),
    "/dev/null": _path("/dev/null"),
}

_SPACE = f"{_ONE} = {{ low = 1e-3, high = 1e2, log = true }}\n"


def _space(content: Any, expected: str = "refuse") -> Callable[..., Given]:
    return _file("space.toml", content, expected)


def _entry(text: str, expected: str = "refuse") -> Callable[..., Given]:
    return _space(f"{_ONE} = {text}\n", expected)


SPACES: dict[str, Callable[..., Given]] = {
    "bytes changed": _space(lambda rng: mutated(_SPACE.encode(), rng), "any"),
    "bytes changed again": _space(lambda rng: mutated(_SPACE.encode(), rng), "any"),
    "empty": _space(""),
    "not UTF-8": _space(b"\xff = [1]"),
    "deep": _space(f"{_ONE} = " + "[" * 5000 + "]" * 5000),
    "low above high": _entry("{ low = 2.0, high = 1.0 }"),
    "no high": _entry("{ low = 2.0 }"),
    "infinite": _entry("{ low = 1.0, high = inf }"),
    "NaN": _entry("{ low = nan, high = 1.0 }"),
    "log from zero": _entry("{ low = 0.0, high = 1.0, log = true }"),
    "log with a step": _entry("{ low = 1.0, high = 2.0, log = true, step = 0.5 }"),
    "a step that is too large": _entry("{ low = 1.0, high = 2.0, step = 5.0 }"),
    "a step of zero": _entry("{ low = 1.0, high = 2.0, step = 0.0 }"),
    "a tiny step": _entry("{ low = 1.0, high = 2.0, step = 1e-300 }", "any"),
    "a huge range": _entry("{ low = 1, high = 9223372036854775807 }", "any"),
    "beyond 64 bits": _entry("{ low = 1, high = 99999999999999999999999 }", "any"),
    "no choice": _entry("[]"),
    "a choice twice": _entry("[1.0, 1.0]"),
    "a date": _entry("[2020-01-01]"),
    "a date alone": _entry("2020-01-01"),
    "a text": _entry('"text"'),
    "a table among choices": _entry("[{ a = 1 }]"),
    "an unknown key": _entry("{ low = 1.0, high = 2.0, stop = 3 }"),
    "values that are refused": _entry('["text"]'),
    "an unknown name": _space("classifier__nothing = [1]\n"),
    "a step of the pipeline": _space('randomcrop = ["passthrough", "nothing:3"]\n'),
    "a name twice": _space(_SPACE * 2),
    "no file": _path("{folder}/nothing.toml"),
    "a folder": lambda folder, _: ((folder / "x.toml").mkdir() or folder / "x.toml", "refuse"),
    "no TOML": _path("nothing"),
}

_NAMES = {
    **dict.fromkeys(["", ".", "..", "a/..", "/", "//", "x" * 300, "/dev/null/x"], "refuse"),
    **dict.fromkeys(["/proc/x", "a/" + "y" * 300, "/dev/full", "/dev/null", "a/.."], "refuse"),
    **dict.fromkeys(["a b", "ü", "日本", "=1+1", "a'b", 'a"b', "%s%n", "{x}", "$HOME"], "accept"),
    **dict.fromkeys(["\udcff", "a\udcff", "a\nb", "a\tb", " ", "-", "~", "*"], "any"),
}
NAMES: dict[str, Callable[..., Given]] = {
    repr(name): lambda _f, _r, name=name, expected=expected: (name, expected)
    for name, expected in _NAMES.items()
}

_OPTIONS = """
--folds 1|--folds 0|--folds -3|--folds 99|--folds x|--folds 1e3|--folds 99999999999999999999
--repeats 0|--limit 0|--limit -1|--limit 2|--limit x|--seed -1|--seed 4294967296|--seed x
--jobs 0|--jobs -1|--jobs x|--jobs 1.5|--threads 0|--threads -1|--augment nothing
--augment crop:-1|--augment crop:x|--augment flip,,|--resample nothing|--engine nothing
--metric nothing:score|--metric os:|--figure nothing:draw|--callback nothing:C|--test-split
--set x|--set =1|--set classifier__nothing=1|--set classifier__strategy=nothing|--model nothing
--model nothing:build|--model os:getcwd|--dataset nothing|--dataset nothing.npz
--dataset /dev/null|--resume --overwrite|--nothing|--epochs 5|--batch-size 0|--learning-rate nan
"""
OPTIONS: dict[str, Callable[..., Given]] = {
    words: lambda _f, _r, words=words: (words.split(), "refuse")
    for line in _OPTIONS.strip().splitlines()
    for words in line.split("|")
}
