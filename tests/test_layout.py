"""The rooms of the package: imports point one way, in no circle, and the house stays small."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from cifar_sk.__main__ import COMMANDS

PACKAGE = Path(__file__).parents[1] / "cifar_sk"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in PACKAGE.rglob("*.py")
}


def imported(path):
    """Name the modules of the package that a module imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cifar_sk"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("cifar_sk."))


def arrows(depth):
    """Group imports by the first names of modules: 1 for rooms."""
    found = defaultdict(set)
    for module, path in MODULES.items():
        source = ".".join(module.split(".")[: depth + 1])
        found[source]
        for target in imported(path):
            goal = ".".join(target.split(".")[: depth + 1])
            if goal != source:
                found[source].add(goal)
    return found


def floors(found):
    """Count for each room the longest way down; a circle has none."""

    @cache
    def floor(room):
        assert room not in on_the_way, f"a circle through {room}"
        on_the_way.add(room)
        level = 1 + max((floor(below) for below in found[room]), default=0)
        on_the_way.discard(room)
        return level

    on_the_way = set()
    return {room: floor(room) for room in list(found)}


def test_rooms_stand_on_few_floors_and_in_no_circle():
    rooms = arrows(1)
    commands = {f"cifar_sk.{name}" for name in COMMANDS}  # doors, of options only
    assert len({*rooms} - commands) <= 25  # statistics, duplicates and leaks came last
    assert max(floors(rooms).values()) <= 10


def test_no_files_import_each_other_in_a_circle():
    floors(arrows(9))


def test_modules_are_short():
    long = [name for name, path in MODULES.items() if len(path.read_text().splitlines()) > 420]
    assert long == []
