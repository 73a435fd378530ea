"""How often a fault does harm: kills, damaged files and bad inputs, before and after a change.

``python -m studies.benchmarks.faults --label after --work FOLDER --output FOLDER``

Each case is one fault, and its outcome a line of ``FOLDER/after.jsonl``; a run that was stopped
continues there. The table joins what is there under the labels "before" and "after". `--package`
names another checkout, whose commands are then tested by this script.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from studies.benchmarks import fault_damage, fault_inputs, fault_kills
from studies.benchmarks.fault_cases import Case, Outcome, spread

ROOT = Path(__file__).parents[2]
IN_PROCESS: dict[str, Any] = {"damage": fault_damage, "inputs": fault_inputs}
QUICK = 12  # cases of each kind
_HANGS_AFTER = 120  # seconds
_STARTS_WITHIN = 300
_EXAMPLES = """examples:
  python -m studies.benchmarks.faults --work /tmp/faults --quick
  python -m studies.benchmarks.faults --work /tmp/faults --label before --package ../old --limit 25
  python -m studies.benchmarks.faults --work /tmp/faults --output results/benchmarks --jobs 2
"""


def main() -> None:
    """Run what is missing, print the table, and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the record")
    parser.add_argument("--label", default="after", help="before or after (default)")
    parser.add_argument("--package", type=Path, default=ROOT, help="checkout to test")
    parser.add_argument("--kinds", nargs="+", choices=list(kinds()), default=list(kinds()))
    parser.add_argument("--limit", type=int, help="cases of each kind; all groups in proportion")
    parser.add_argument("--quick", action="store_true", help=f"--limit {QUICK}")
    parser.add_argument("--jobs", type=int, choices=[1, 2], default=1, help="cases at a time")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where faults.csv goes")
    options = parser.parse_args()
    work = options.work.resolve() / options.label
    record = Record(work.with_suffix(".jsonl"))
    cases = [
        case
        for kind in options.kinds
        for case in kinds()[kind][: QUICK if options.quick else options.limit]
    ]
    record.begin(options.package.resolve())
    run_all(cases, record, options.package.resolve(), work, options.jobs)
    table = summary(options.work)
    print(markdown(table))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        table.to_csv(options.output / "faults.csv", index=False)


def kinds() -> dict[str, list[Case]]:
    """Return all cases by kind, in the order in which they are run."""
    kills = {
        kind: spread(kind, {name: group.size for name, group in groups.items()})
        for kind, groups in fault_kills.KINDS.items()
    }
    return {**kills, "damage": fault_damage.cases(), "inputs": fault_inputs.cases()}


class Record:
    """A file of outcomes, a line each; what stands there is not run again."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    def begin(self, package: Path) -> None:
        """Write down which checkout is tested, on which machine."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        git = ["git", "-C", str(package), "describe", "--always", "--dirty", "--abbrev=12"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        self._append({"commit": commit, "cpus": os.cpu_count(), "python": sys.version.split()[0]})

    def lines(self) -> list[dict[str, Any]]:
        """Return the outcomes; half a line of a killed process is none."""
        if not self._path.exists():
            return []
        text = self._path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def done(self) -> set[str]:
        """Name the cases that have an outcome."""
        return {line["case"] for line in self.lines() if "case" in line}

    def add(self, case: Case, outcome: Outcome, seconds: float) -> None:
        """Append an outcome."""
        self._append(
            {
                "case": case.key,
                "kind": case.kind,
                "group": case.group,
                "counts": outcome.counts,
                "seconds": round(seconds, 2),
                "detail": outcome.detail,
            }
        )

    def _append(self, line: dict[str, Any]) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def run_all(cases: list[Case], record: Record, package: Path, folder: Path, jobs: int) -> None:
    """Run the cases that have no outcome yet, and say how long the rest will take."""
    done = record.done()
    todo = [case for case in cases if case.key not in done]
    start, n_done = time.monotonic(), 0
    with runners(todo, package, folder) as run, ThreadPoolExecutor(jobs) as pool:

        def timed(case: Case) -> tuple[Case, Outcome, float]:
            begun = time.monotonic()
            return case, run(case), time.monotonic() - begun

        try:
            for future in as_completed([pool.submit(timed, case) for case in todo]):
                case, outcome, seconds = future.result()
                record.add(case, outcome, seconds)
                n_done += 1
                left = (time.monotonic() - start) / n_done * (len(todo) - n_done)
                wrong = {name: count for name, count in outcome.counts.items() if count}
                said = f"{n_done}/{len(todo)} {case.key} {wrong}"
                print(f"{said} ({left / 60:.1f} min left)", flush=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C only what has begun


@contextmanager
def runners(cases: list[Case], package: Path, folder: Path) -> Iterator[Callable[[Case], Outcome]]:
    """Yield a function that runs a case: kills as processes, the rest within one per thread."""
    own = threading.local()
    with ExitStack() as stack:
        needs_server = any("PostgreSQL" in case.group for case in cases)
        server = stack.enter_context(_postgresql()) if needs_server else None
        kills = fault_kills.Kills(package, folder, server)

        def run(case: Case) -> Outcome:
            if case.kind not in IN_PROCESS:
                return kills.run(case)
            if getattr(own, "kind", None) != case.kind:
                own.kind = case.kind
                own.worker = Worker(case.kind, package, folder)
                stack.callback(own.worker.stop)
            return own.worker.run(case)

        yield run


@contextmanager
def _postgresql() -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from postgresql import running_server

    with running_server() as url:
        yield url


class Worker:
    """A process that runs cases one after another, and is replaced when one hangs or ends it."""

    def __init__(self, kind: str, package: Path, folder: Path) -> None:
        self._arguments = (kind, package, folder / kind)
        self._process: Any = None
        self._pipe: Any = None

    def run(self, case: Case) -> Outcome:
        """Run a case within its time."""
        if self._process is None:
            self._start()
        self._pipe.send(case)
        try:
            if self._pipe.poll(_HANGS_AFTER):
                return self._pipe.recv()
        except EOFError:
            self.stop()
            return Outcome({"the process died": 1}, "")
        self.stop()
        return Outcome({"longer than 10 s": 1}, f"killed after {_HANGS_AFTER} s")

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments))
        self._process.start()
        theirs.close()
        if not self._pipe.poll(_STARTS_WITHIN):
            raise RuntimeError(f"{self._arguments[0]} could not be prepared")
        self._pipe.recv()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _serve(pipe: Any, kind: str, package: Path, folder: Path) -> None:
    sys.path.insert(0, str(package))
    import cifar_sk

    if not Path(str(cifar_sk.__file__)).is_relative_to(package):
        raise RuntimeError(f"cifar_sk is imported from {cifar_sk.__file__}, not from {package}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        runner = IN_PROCESS[kind].Runner(Path(scratch))
        pipe.send("ready")
        while True:
            try:
                case = pipe.recv()
            except EOFError:
                return
            pipe.send(runner.run(case))


def summary(folder: Path) -> pd.DataFrame:
    """Return a row per group and outcome: in how many of how many cases, before and after."""
    sums: dict[tuple[str, str, str], dict[str, Any]] = {}
    for label in ("before", "after"):
        lines = [line for line in Record(folder / f"{label}.jsonl").lines() if line.get("counts")]
        sizes = Counter((line["kind"], line["group"]) for line in lines)
        for line in lines:
            for outcome, count in line["counts"].items():
                row = sums.setdefault((line["kind"], line["group"], outcome), {})
                row[label] = row.get(label, 0) + count
        for kind, group, outcome in list(sums):
            sums[kind, group, outcome][f"n_{label}"] = sizes[kind, group]
    rows = [
        dict(zip(("kind", "group", "outcome"), key, strict=True))
        | {name: row.get(name, 0) for name in ("n_before", "before", "n_after", "after")}
        for key, row in sorted(sums.items())
    ]
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame) -> str:
    """Write the sums over all groups of each kind, a row per outcome, as a Markdown table."""
    lines = ["| fault | outcome | before | after |", "|---|---|---|---|"]
    for kind, rows in table.groupby("kind", sort=False):
        sizes = rows.drop_duplicates("group")[["n_before", "n_after"]].sum()
        sums = rows.groupby("outcome", sort=False)[["before", "after"]].sum()
        name = f"{kind} ({sizes['n_before']} before, {sizes['n_after']} after)"
        for outcome, (before, after) in sums.iterrows():
            lines.append(f"| {name} | {outcome} | {before} | {after} |")
            name = ""
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
