"""Kills of ``cv`` and ``tune`` at any moment of their lives, and what the next start finds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from studies.benchmarks.fault_cases import Case, Outcome, tables, tiny_data

__all__ = ["KINDS", "Kills"]

_TINY = ["--dataset", "{data}", "--threads", "1"]
_LOGISTIC = ["--model", "logistic", *_TINY, "--folds", "4", "--repeats", "2"]
_ANN = ["--model", "ann", *_TINY, "--epochs", "1", "--set", "classifier__hidden_units=[4]"]
_SAVED = [*_ANN, "--folds", "3", "--save-models"]
_STUDY = ["--model", "logistic", *_TINY, "--folds", "2", "--trials", "12"]
_STUDY += ["--space", "{space}", "--study", "s"]
_ANN_STUDY = [*_ANN, "--folds", "2", "--trials", "4", "--space", "{ann_space}", "--study", "s"]
_SPACE = "classifier__logisticregression__C = { low = 1e-3, high = 1e2, log = true }\n"
_ANN_SPACE = "classifier__learning_rate = { low = 1e-3, high = 1e-1, log = true }\n"
_WAIT = 300
_SHM = Path("/dev/shm")  # noqa: S108  (others leave things there)
_LEFT_AFTER = 2.0  # seconds in which processes may end after the one that is killed


@dataclass(frozen=True)
class _Group:
    size: int
    command: str
    words: list[str]
    signal: signal.Signals = signal.SIGKILL
    storage: str = ""

    @property
    def is_repeatable(self) -> bool:
        """Whether one seed promises one study, also if it was interrupted."""
        # Several workers end in any order, and on a server others go on while a trial is missed.
        return "--workers" not in self.words and self.storage != "postgresql"


_KILL, _TERM, _HUP = signal.SIGKILL, signal.SIGTERM, signal.SIGHUP
_ONE, _TWO = ["--jobs", "1"], ["--jobs", "2"]
_WORKERS = ["--workers", "2"]
KINDS: dict[str, dict[str, _Group]] = {
    "kill-cv": {
        "logistic, one job": _Group(35, "cv", [*_LOGISTIC, *_ONE]),
        "logistic, two jobs": _Group(25, "cv", [*_LOGISTIC, *_TWO]),
        "logistic, one job, SIGTERM": _Group(10, "cv", [*_LOGISTIC, *_ONE], _TERM),
        "logistic, two jobs, SIGTERM": _Group(5, "cv", [*_LOGISTIC, *_TWO], _TERM),
        "logistic, two jobs, SIGHUP": _Group(5, "cv", [*_LOGISTIC, *_TWO], _HUP),
        "ann, models kept, one job": _Group(10, "cv", [*_SAVED, *_ONE]),
        "ann, models kept, two jobs": _Group(10, "cv", [*_SAVED, *_TWO]),
    },
    "kill-tune": {
        "SQLite": _Group(30, "tune", _STUDY, storage="sqlite"),
        "SQLite, SIGTERM": _Group(5, "tune", _STUDY, _TERM, "sqlite"),
        "journal": _Group(10, "tune", _STUDY, storage="journal"),
        "journal, two workers": _Group(25, "tune", [*_STUDY, *_WORKERS], storage="journal"),
        "PostgreSQL": _Group(10, "tune", _STUDY, storage="postgresql"),
        "PostgreSQL, two workers": _Group(10, "tune", [*_STUDY, *_WORKERS], storage="postgresql"),
        "ann, SQLite": _Group(10, "tune", _ANN_STUDY, storage="sqlite"),
    },
}


class Kills:
    """Runs cases of kills, each in a folder and with a temporary folder of its own.

    Parameters
    ----------
    package : Path
        The checkout whose commands are killed.
    folder : Path
        Where undisturbed runs are kept and cases run.
    server : str or None
        The URL of a PostgreSQL server, for the studies that need one.
    """

    def __init__(self, package: Path, folder: Path, server: str | None = None) -> None:
        self._package, self._folder, self._server = package, folder, server
        self._locks = {group: Lock() for groups in KINDS.values() for group in groups}
        folder.mkdir(parents=True, exist_ok=True)
        self._fields = {
            "data": tiny_data(folder / "tiny.npz"),
            "space": folder / "space.toml",
            "ann_space": folder / "ann_space.toml",
        }
        (folder / "space.toml").write_text(_SPACE)
        (folder / "ann_space.toml").write_text(_ANN_SPACE)

    def run(self, case: Case) -> Outcome:
        """Kill a command once, run it again, and count what is wrong."""
        group = KINDS[case.kind][case.group]
        whole, seconds = self._undisturbed(case, group)
        slug = re.sub(r"\W+", "-", f"{case.group} {case.number}")
        folder = self._folder / case.kind / slug
        shutil.rmtree(folder, ignore_errors=True)
        run = _Run(self._package, folder, group, self._words(group, folder))
        first = run.killed_after(case.share * seconds)
        before = run.committed()
        second = run.again()
        said = first.said + second.said
        counts = {
            "tracebacks": said.count("Traceback (most recent"),
            "unforeseen errors": int(second.code == 70),
            "next start failed": int(second.code != 0),
            "processes left": first.n_left + second.n_left,
            "temporary files left": len(run.left_in_tmp()),
            "shared memory left": len(run.left_in_shm()),
            "staged files left": len(run.staged()),
        }
        if group.signal != signal.SIGKILL:
            counts["not ended by the signal"] = int(first.code is None)
            counts['says "running" for ever'] = int(first.says_running)
        found = _result(group, folder, whole, before, run)
        counts |= found.counts
        wrong = {name: count for name, count in counts.items() if count}
        detail = ""
        if wrong:
            left = [*run.left_in_tmp(), *run.left_in_shm(), *run.staged()]
            detail = f"at {case.share:.3f} of {seconds:.1f} s; {found.detail} {left} {said[-600:]}"
        shutil.rmtree(folder, ignore_errors=True)
        run.clean_shm()
        return Outcome(counts, detail)

    def _words(self, group: _Group, folder: Path) -> list[str]:
        words = [word.format(**self._fields) for word in group.words]
        words += ["--results", str(folder / "results")]
        if group.storage == "postgresql":
            from postgresql import new_database

            return [*words, "--storage", new_database(str(self._server))]
        if group.storage:
            words += ["--storage", f"{group.storage}:///{folder / 'results' / 'study.file'}"]
        return words if group.command == "tune" else [*words, "--run", "r"]

    def _undisturbed(self, case: Case, group: _Group) -> tuple[Path, float]:
        """Return a run of the same command that nobody disturbed, and how long it took."""
        folder = self._folder / "whole" / re.sub(r"\W+", "-", f"{case.kind} {case.group}")
        with self._locks[case.group]:
            if not (folder / "seconds").exists():
                shutil.rmtree(folder, ignore_errors=True)
                run = _Run(self._package, folder, group, self._words(group, folder))
                start = time.perf_counter()
                ended = run.killed_after(None)
                if ended.code:
                    raise RuntimeError(f"{case.group} fails undisturbed: {ended.said}")
                if group.storage:
                    (folder / "trials.json").write_text(json.dumps(run.trials()))
                (folder / "seconds").write_text(str(time.perf_counter() - start))
        return folder, float((folder / "seconds").read_text())


@dataclass(frozen=True)
class _Ended:
    code: int | None
    said: str
    n_left: int
    says_running: bool = False


class _Run:
    """One command in a folder: started, killed, and started again."""

    def __init__(self, package: Path, folder: Path, group: _Group, words: list[str]) -> None:
        self.folder, self._group, self._words = folder, group, words
        self._tmp = folder / "tmp"
        self._tmp.mkdir(parents=True)
        self._env = {
            **os.environ,
            "PYTHONPATH": str(package),
            "TMPDIR": str(self._tmp),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self._pids: set[int] = set()

    @property
    def place(self) -> Path:
        """The run's folder, or the study's."""
        name = "r" if self._group.command == "cv" else "studies/s"
        return self.folder / "results" / name

    def killed_after(self, seconds: float | None, *more: str) -> _Ended:
        """Start the command, kill it after a while or never, and wait for its end."""
        log = self.folder / "log"
        command = [sys.executable, "-m", f"cifar_sk.{self._group.command}", *self._words, *more]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=self._tmp,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        code = self._wait(process, seconds)
        n_left = self._leftovers(process.pid)
        said = log.read_text(encoding="utf-8", errors="replace")
        manifest = self.place / "run.json"
        is_running = manifest.exists() and '"status": "running"' in manifest.read_text()
        return _Ended(code, said, n_left, is_running and seconds is not None)

    def _wait(self, process: subprocess.Popen, seconds: float | None) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=_WAIT if seconds is None else seconds)
        self._pids |= {process.pid, *_session(process.pid)}
        if seconds is not None:
            process.send_signal(self._group.signal)
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=30)
        process.kill()
        process.wait()
        return None

    def _leftovers(self, pid: int) -> int:
        """Count the processes of a session that are there two seconds after its head, and end."""
        self._pids |= {pid, *_session(pid)}
        deadline = time.monotonic() + _LEFT_AFTER
        while _session(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        left = _session(pid)
        for other in left:
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)
        return len(left)

    def again(self) -> _Ended:
        """Start the command again as a person would: with --resume where a run was begun."""
        files = [self.place / "run.json", self.place / ".replaced" / "run.json"]
        is_begun = self._group.command == "cv" and any(file.exists() for file in files)
        return self.killed_after(None, *(["--resume"] if is_begun else []))

    def committed(self) -> dict[str, Any]:
        """Return what must not change: files of finished folds, or trials that have ended."""
        if self._group.storage:
            return {t["number"]: t for t in self.trials() if t["state"] in {"COMPLETE", "PRUNED"}}
        return {
            fold.name: {
                file.name: sha256(file.read_bytes()).hexdigest() for file in fold.iterdir()
            }
            for fold in sorted((self.place / "folds").glob("[0-9]*"))
        }

    def trials(self) -> list[dict[str, Any]]:
        """Read the trials of the study, by Optuna alone."""
        import optuna

        storage = self._storage()
        if storage is None:
            return []
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.load_study(study_name="s", storage=storage)
        except (KeyError, ValueError):  # killed before there was one
            return []
        return [
            {"number": t.number, "state": t.state.name, "params": t.params, "values": t.values}
            for t in study.get_trials(deepcopy=False)
            if "skipped" not in t.user_attrs  # which two workers began at a time, one too many
        ]

    def _storage(self) -> Any:
        import optuna
        from optuna.storages import JournalStorage, RDBStorage
        from optuna.storages.journal import JournalFileBackend

        url = self._words[self._words.index("--storage") + 1]
        file = self.folder / "results" / "study.file"
        if self._group.storage == "postgresql":
            with suppress(Exception):  # a database that is still empty
                return RDBStorage(url, skip_table_creation=True, skip_compatibility_check=True)
            return None
        if not file.exists() or not file.stat().st_size:
            return None
        if self._group.storage == "journal":
            return JournalStorage(JournalFileBackend(str(file)))
        try:
            return RDBStorage(url, skip_table_creation=True, skip_compatibility_check=True)
        except optuna.exceptions.StorageInternalError:
            return None

    def left_in_tmp(self) -> list[str]:
        """Name what is left in the temporary folder."""
        return sorted(entry.name for entry in self._tmp.iterdir())

    def left_in_shm(self) -> list[str]:
        """Name what is left in shared memory under a number of our processes."""
        names = sorted(entry.name for entry in _SHM.iterdir()) if _SHM.exists() else []
        return [name for name in names if self._pids & {int(n) for n in re.findall(r"\d+", name)}]

    def clean_shm(self) -> None:
        """Remove what the case has left there."""
        for name in self.left_in_shm():
            path = _SHM / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def staged(self) -> list[str]:
        """Name half-written files and folders of the run or study."""
        hidden = [entry.name for entry in self.place.rglob(".*")]
        return sorted(n for n in hidden if n.endswith(".tmp") or n == ".replaced")


def _session(pid: int) -> list[int]:
    """List the processes of a session that are alive."""
    found = subprocess.run(
        ["ps", "-e", "-o", "sess=,pid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in found.stdout.splitlines()]
    return [int(row[1]) for row in rows if row[0] == str(pid) and not row[2].startswith("Z")]


def _result(
    group: _Group, folder: Path, whole: Path, before: dict[str, Any], run: _Run
) -> Outcome:
    if group.storage:
        return _study_result(group, whole, before, run)
    theirs, ours = (tables(path / "results" / "r") for path in (whole, folder))
    differing = sorted(n for n in {*theirs, *ours} if theirs.get(n) != ours.get(n))
    after = run.committed()
    lost = [name for name in before if name not in after]
    repeated = [name for name in before if name in after and before[name] != after[name]]
    counts = {
        "differing tables": len(differing),
        "lost folds": len(lost),
        "repeated folds": len(repeated),
    }
    return Outcome(counts, f"{differing} {lost} {repeated}")


def _study_result(group: _Group, whole: Path, before: dict[str, Any], run: _Run) -> Outcome:
    reference, found = json.loads((whole / "trials.json").read_text()), run.trials()
    theirs, ours = _ended(reference), _ended(found)
    kept = {trial["number"]: trial for trial in found}
    lost = [number for number, trial in before.items() if kept.get(number) != trial]
    failed = {json.dumps(t["params"], sort_keys=True) for t in found if t["state"] == "FAIL"}
    tried = {json.loads(key)[0] for key in ours}
    counts = {
        "lost trials": len(lost)
        + max(0, theirs.total() - ours.total())
        + len({params for params in failed if params != "{}"} - tried),
        "repeated trials": sum(count - 1 for count in ours.values())
        + max(0, ours.total() - theirs.total()),
        "trials for ever running": sum(trial["state"] == "RUNNING" for trial in found),
    }
    if group.is_repeatable:
        best = [_best(path / "results/studies/s/best.json") for path in (whole, run.folder)]
        counts["differing best parameters"] = int(best[0] != best[1])
        counts["differing trials"] = (theirs - ours).total()
    return Outcome(counts, f"{[(t['number'], t['state']) for t in found]}")


def _ended(trials: list[dict[str, Any]]) -> Counter[str]:
    ended = [trial for trial in trials if trial["state"] in {"COMPLETE", "PRUNED"}]
    return Counter(
        json.dumps([json.dumps(t["params"], sort_keys=True), t["values"]]) for t in ended
    )


def _best(file: Path) -> Any:
    return json.loads(file.read_text())["params"] if file.exists() else None
