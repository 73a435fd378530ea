"""One contract for all storages, as Optuna tests its own, and what is particular to each."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import optuna
import pytest
from filelock import FileLock, Timeout
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from storage_processes import (
    begin_and_hang,
    draw,
    fail_and_die,
    hold,
    objective,
    open_together,
    work,
)

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits
from cifar_sk.tuning.engine import Budget, open_study, run_trials
from cifar_sk.tuning.journal_lock import JournalLock
from cifar_sk.tuning.lost_trials import MAX_RETRIES, is_ownerless, reclaim, reclaim_expired
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.storage import StorageSpec, choose_storage, close_storage, shown_url
from cifar_sk.tuning.study_view import TrialView

SPAWN = multiprocessing.get_context("spawn")
MODES = ["sqlite", "journal", "postgresql"]
SHARED = ["journal", "postgresql"]  # by several processes


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(params=MODES)
def spec(request, tmp_path) -> StorageSpec:
    """Name a storage of each kind; a test may ask for some of them."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        return replace(choose_storage(url, tmp_path), heartbeat_interval=1, grace_period=2)
    return choose_storage(None, tmp_path, n_workers=1 if request.param == "sqlite" else 2)


@pytest.fixture
def opened(spec):
    """Open the same storage as often as asked, as separate commands would."""
    storages = []

    def open_study() -> optuna.Study:
        storages.append(spec.open())
        return optuna.create_study(
            study_name="s", storage=storages[-1], direction="maximize", load_if_exists=True
        )

    yield open_study
    for storage in storages:
        close_storage(storage)


def ask(study: optuna.Study) -> optuna.Trial:
    """Begin a trial as a process does that is about to be killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optuna.study.study, "optuna_warn", lambda *_: None)  # no optimize, no beat
        return study.ask()


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def everyone(_: TrialView) -> bool:
    return True


def test_a_study_is_there_when_opened_again(opened):
    opened().set_user_attr("identity", {"seed": 0})
    opened().optimize(objective, n_trials=2)
    again = opened()
    again.optimize(objective, n_trials=1)
    assert again.user_attrs == {"identity": {"seed": 0}}
    assert [trial.number for trial in opened().trials] == [0, 1, 2]
    assert states(opened()) == ["COMPLETE"] * 3


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # retry_history
def test_a_lost_trial_runs_again_with_the_same_parameters_and_nothing_else(opened):
    study = opened()
    study.optimize(objective, n_trials=1)
    lost = ask(study)
    params = draw(lost)
    lost.report(0.5, step=1)
    for name, value in {"worker": "a", "fold_scores": [1], "fit_time": 2.0}.items():
        lost.set_user_attr(name, value)

    later = opened()
    assert reclaim(later, is_stale=everyone) == [1]
    assert states(later) == ["COMPLETE", "FAIL", "WAITING"]
    assert later.trials[1].user_attrs["worker"] == "a"  # what was lost can be looked at
    later.optimize(objective, n_trials=1)

    retried = opened().trials[2]
    assert retried.params == params
    assert retried.value == params["batch"]
    assert retried.user_attrs == {}
    assert retried.intermediate_values == {}
    assert RetryHeartbeatStaleTrialCallback.retry_history(retried) == [1]
    assert states(later) == ["COMPLETE", "FAIL", "COMPLETE"]


def test_only_what_is_stale_is_reclaimed(opened):
    study = opened()
    for worker in ("dead", "alive"):
        trial = ask(study)
        draw(trial)
        trial.set_user_attr("worker", worker)
    stale = reclaim(study, is_stale=lambda trial: trial.worker == "dead")
    assert stale == [0]
    assert states(study) == ["FAIL", "RUNNING", "WAITING"]
    assert reclaim(study, is_stale=lambda trial: trial.worker == "dead") == []


def test_a_configuration_that_kills_its_process_ends(opened):
    study = opened()
    configurations = []
    for number in range(1 + MAX_RETRIES):
        configurations.append(draw(ask(study)))
        assert reclaim(study, is_stale=everyone) == [number]
    assert configurations == configurations[:1] * (1 + MAX_RETRIES)
    assert states(study) == ["FAIL"] * (1 + MAX_RETRIES)
    assert study.trials[-1].system_attrs["retry_history"] == [0, 1, 2]
    assert study.trials[-1].system_attrs["failed_trial"] == 0


def test_a_queued_trial_survives_and_keeps_what_it_was_asked_to_be(opened):
    asked = {"lr": 0.01, "layers": None, "batch": 32}
    opened().enqueue_trial(asked, user_attrs={"is_default": True})
    study = opened()
    assert reclaim(study, is_stale=everyone) == []
    assert states(study) == ["WAITING"]
    ask(study)  # killed before it drew anything
    assert reclaim(study, is_stale=everyone) == [0]
    partial = ask(study)
    partial.suggest_int("batch", 16, 128, step=16)  # killed after the first
    assert reclaim(study, is_stale=everyone) == [1]
    study.optimize(objective, n_trials=1)
    assert study.trials[2].params == asked
    assert study.trials[2].user_attrs == {"is_default": True}


def test_what_was_drawn_of_a_lost_trial_is_kept_and_the_rest_is_drawn(opened):
    study = opened()
    lr = ask(study).suggest_float("lr", 1e-4, 1e-1, log=True)
    ask(study)  # has drawn nothing that could be tried again
    assert reclaim(study, is_stale=everyone) == [0, 1]
    assert states(study) == ["FAIL", "FAIL", "WAITING"]
    study.optimize(objective, n_trials=1)
    assert study.trials[2].params["lr"] == lr
    assert set(study.trials[2].params) == {"lr", "layers", "batch"}


def test_a_lost_point_of_a_grid_is_visited_again(opened):
    grid = optuna.samplers.GridSampler({"batch": [16, 32, 48]}, seed=0)
    study = opened()
    study.sampler = grid
    ask(study)
    assert reclaim(study, is_stale=everyone) == [0]
    study.optimize(lambda trial: trial.suggest_int("batch", 16, 48, step=16))
    done = study.get_trials(states=(TrialState.COMPLETE,))
    assert sorted(trial.params["batch"] for trial in done) == [16, 32, 48]


def test_a_trial_is_reclaimed_once_however_many_find_it(opened):
    study, other = opened(), opened()
    draw(ask(study))

    def is_stale(_: TrialView) -> bool:
        reclaim(other, is_stale=everyone)  # between this one's look and its act
        return True

    assert reclaim(study, is_stale=is_stale) == []
    assert states(study) == ["FAIL", "WAITING"]


def test_a_trial_without_a_name_is_ownerless_after_a_while(opened, monkeypatch):
    study = opened()
    ask(study).suggest_float("lr", 1e-4, 1e-1, log=True)
    ask(study).set_user_attr("worker", "a")
    assert reclaim(study, is_stale=is_ownerless) == []
    monkeypatch.setattr("cifar_sk.tuning.lost_trials._UNNAMED_FOR", timedelta(seconds=0.05))
    time.sleep(0.1)
    assert reclaim(study, is_stale=is_ownerless) == [0]
    assert states(study) == ["FAIL", "RUNNING", "WAITING"]


def _killed_in_a_trial(spec: StorageSpec, study: optuna.Study) -> str:
    process = SPAWN.Process(target=begin_and_hang, args=(spec,), daemon=True)
    process.start()
    deadline = time.monotonic() + 30
    while not any("worker" in trial.user_attrs for trial in study.trials):
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return str(process.pid)


@pytest.mark.parametrize("spec", SHARED, indirect=True)
def test_two_processes_lose_no_trial_and_share_no_number(spec, opened):
    study = opened()
    study.enqueue_trial({"batch": 64})
    processes = [SPAWN.Process(target=work, args=(spec, 12)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    trials = opened().trials
    assert [trial.number for trial in trials] == list(range(24))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert sum(trial.params == trials[0].params for trial in trials) == 1  # taken by one


@pytest.mark.parametrize("spec", ["sqlite", "journal"], indirect=True)
def test_the_trial_of_a_killed_process_is_reclaimed_by_its_name(spec, opened):
    study = opened()
    name = _killed_in_a_trial(spec, study)
    assert states(study) == ["RUNNING"]
    reclaim_expired(study)  # there are no heartbeats that could be missing
    assert states(study) == ["RUNNING"]
    assert reclaim(study, is_stale=lambda trial: trial.worker == name) == [0]
    started = time.monotonic()
    study.optimize(objective, n_trials=1)
    assert time.monotonic() - started < 10  # no lock was left behind
    assert states(opened()) == ["FAIL", "COMPLETE"]
    assert study.trials[1].params == study.trials[0].params


def test_a_process_killed_between_failing_a_trial_and_queuing_it_loses_none(spec, opened, digits):
    X, y = digits[0][:60].reshape(60, -1), digits[1][:60] % 2
    pipeline = Pipeline([("classifier", DummyClassifier())])
    space = SearchSpace({"classifier__strategy": ["prior", "uniform"]})
    task = TuningTask(pipeline, space, X, y, make_splits(y, n_folds=2))
    budget = Budget(2)
    ask(open_study(task, budget, opened()._storage, "lost", {}))  # and is killed
    process = SPAWN.Process(target=fail_and_die, args=(spec, "lost"), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL

    study = open_study(task, budget, opened()._storage, "lost", {})
    run_trials(study, task, budget)
    assert states(study)[:2] == ["FAIL", "COMPLETE"]
    assert states(study).count("COMPLETE") == budget.n_trials
    assert study.trials[1].user_attrs["is_default"]
    assert study.trials[1].params == {"classifier__strategy": "prior"}


@pytest.mark.parametrize("spec", ["postgresql"], indirect=True)
def test_another_worker_retries_a_trial_whose_heart_stopped(spec, opened):
    study = opened()
    _killed_in_a_trial(spec, study)
    reclaim_expired(study)
    assert states(study) == ["RUNNING"]  # it may be alive
    time.sleep(spec.grace_period + 0.5)
    work(spec, 1)  # Optuna's own loop looks for such trials
    assert states(study) == ["FAIL", "COMPLETE"]
    retried = study.trials[1]
    assert retried.params == study.trials[0].params
    assert retried.user_attrs == {}
    assert retried.system_attrs["retry_history"] == [0]


@pytest.mark.parametrize("spec", ["postgresql"], indirect=True)
def test_a_trial_that_died_before_its_first_heartbeat_does_not_run_for_ever(spec, opened):
    study = opened()
    draw(ask(study))
    reclaim_expired(study)
    assert states(study) == ["RUNNING"]
    time.sleep(spec.grace_period + 0.5)
    reclaim_expired(study)
    reclaim_expired(opened())
    assert states(study) == ["FAIL", "WAITING"]


@pytest.mark.parametrize("spec", ["postgresql"], indirect=True)
def test_a_trial_with_a_heartbeat_is_left_alone(spec, opened):
    study = opened()

    def slow(trial: optuna.Trial) -> float:
        time.sleep(spec.grace_period + 1)
        reclaim_expired(opened())
        return draw(trial)["batch"]

    study.optimize(slow, n_trials=1)
    assert states(study) == ["COMPLETE"]


@pytest.mark.parametrize("spec", SHARED, indirect=True)
def test_processes_may_find_a_new_storage_at_once(spec):
    barrier = SPAWN.Barrier(3)
    processes = [SPAWN.Process(target=open_together, args=(spec, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 3


def test_the_lock_of_a_journal_is_released_by_kill_9(tmp_path):
    path = tmp_path / "journal.log"
    path.touch()
    held = SPAWN.Event()
    process = SPAWN.Process(target=hold, args=(path, held), daemon=True)
    process.start()
    assert held.wait(30)
    with pytest.raises(Timeout):
        FileLock(tmp_path / ".journal.log.writer").acquire(timeout=0)
    os.kill(process.pid, signal.SIGKILL)
    started = time.monotonic()
    lock = JournalLock(path)
    lock.acquire()
    lock.release()
    assert time.monotonic() - started < 5  # Optuna's own would wait for 30 s


@pytest.mark.parametrize("spec", ["journal"], indirect=True)
def test_half_a_line_of_a_killed_writer_does_not_end_a_journal(spec, opened):
    study = opened()
    study.optimize(objective, n_trials=1)
    with spec.path.open("ab") as file:
        file.write(b'{"op_code":9,"worker_id":"x","trial_id":0,"sys')
    study.optimize(objective, n_trials=1)
    assert states(study) == states(opened()) == ["COMPLETE"] * 2


@pytest.mark.parametrize("spec", ["postgresql"], indirect=True)
def test_a_description_of_a_server_never_shows_the_password(spec):
    password = spec.url.split(":")[2].split("@")[0]
    assert len(password) > 8
    assert password not in f"{spec} {spec!r} {spec.shown}"
    assert "tester:***@127.0.0.1" in spec.shown
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec.is_server
    assert spec.path is None
    assert spec.locks(Path()) == spec.files == []


@pytest.mark.parametrize("spec", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tester:", "nobody:", "password authentication failed"),
        ("/study_", "/no_study_", "does not exist"),
        ("@127.0.0.1:", "@127.0.0.1:1", "cannot be opened"),  # another port, or none
        ("@127.0.0.1:", "@no-such-host.invalid:", "resolve"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence_without_the_password(spec, old, new, reason):
    password = spec.url.split(":")[2].split("@")[0]
    wrong = choose_storage(spec.url.replace(old, new), Path())
    with pytest.raises(InputError, match=reason) as caught:
        wrong.open()
    message = str(caught.value)
    assert password not in message
    assert wrong.shown in message
    assert "\n" not in message


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    spec = choose_storage("postgresql://ann:secret@localhost/studies", Path())
    with pytest.raises(
        InputError, match=r"ann:\*\*\*@localhost.* pip install 'psycopg\[binary\]'"
    ):
        spec.open()


def test_a_folder_keeps_the_file_that_it_has(tmp_path):
    alone, together = choose_storage(None, tmp_path), choose_storage(None, tmp_path, n_workers=2)
    assert (alone.kind, alone.path) == ("sqlite", tmp_path / "study.db")
    assert (together.kind, together.path) == ("journal", tmp_path / "journal.log")
    assert not list(tmp_path.iterdir())  # nothing is made before it is opened

    close_storage(together.open())
    assert choose_storage(None, tmp_path) == together
    together.path.unlink()
    close_storage(alone.open())
    assert choose_storage(None, tmp_path) == alone
    with pytest.raises(InputError, match=r"--workers 1, a PostgreSQL URL .* or another --study"):
        choose_storage(None, tmp_path, n_workers=2)


def test_files_are_named_by_urls_and_opened_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "a {b} %41?#"
    for kind in ("sqlite", "journal"):
        relative = choose_storage(f"{kind}:///there/study", Path("unused"))
        assert (relative.kind, relative.path) == (kind, tmp_path / "there" / "study")
        assert choose_storage(f"{kind}:///{tmp_path}/there/study", Path()) == relative
    (tmp_path / "elsewhere").mkdir()
    for n_workers in (1, 2):
        monkeypatch.chdir(tmp_path)
        spec = choose_storage(None, folder.name, n_workers=n_workers)
        monkeypatch.chdir("elsewhere")
        close_storage(spec.open())
        assert spec.path.parent == folder
        spec.path.unlink()  # it was made, and there


@pytest.mark.parametrize(
    ("url", "n_workers", "message"),
    [
        ("sqlite:///study.db", 2, "study.db is an SQLite file, which one process"),
        ("mysql://u:secret@h/d", 1, "sqlite:///FILE, journal:///FILE or postgresql.* 'mysql'"),
        ("postgresql+psycopg2://u:secret@h/d", 1, r"got the scheme 'postgresql\+psycopg2'"),
        ("secret", 1, "is no URL"),
        ("postgresql://u:x@h:secret/d", 1, "is no URL"),
        ("postgresql://u:se@cret@h/d", 1, "%40"),
        ("sqlite://", 1, "sqlite:///FILE"),
        ("sqlite:///:memory:", 1, "sqlite:///FILE"),
        ("journal://secret/study.log", 1, "journal:///FILE"),
    ],
)
def test_other_urls_are_refused_without_a_word_of_the_password(url, n_workers, message):
    with pytest.raises(InputError, match=message) as caught:
        choose_storage(url, Path(), n_workers=n_workers)
    assert "secret" not in str(caught.value)
    assert "cret" not in str(caught.value)


def test_a_password_among_the_options_of_a_url_is_hidden_too():
    shown = shown_url("postgresql+psycopg://ann@h/d?password=secret&sslmode=require")
    assert "secret" not in shown
    assert "sslmode=require" in shown


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
@pytest.mark.parametrize(
    "content",
    [b"one line of notes", bytes(5_000), b"\x80\xff\n", b"[" * 50_000 + b"\n", b'{"op_code": 0}\n',
     b'{"op_c\n{"op_code": 0, "worker_id": "a"}\n', b"SQLite format 3\0" + b"\7" * 5_000],
)  # fmt: skip
def test_a_storage_of_any_bytes_is_refused_and_left_as_it_is(tmp_path, kind, content):
    file = tmp_path / "notes"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"notes cannot be opened \(.*\); name another\.$"):
        choose_storage(f"{kind}:///{file}", Path()).open()
    assert file.read_bytes() == content


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_device_is_no_storage(kind):
    with pytest.raises(InputError, match="it is no file"):
        choose_storage(f"{kind}:////dev/zero", Path()).open()


@pytest.mark.parametrize("spec", ["sqlite"], indirect=True)
def test_a_damaged_database_is_refused_when_it_is_opened(spec, opened):
    opened().optimize(objective, n_trials=1)
    content = spec.path.read_bytes()
    for page in range(1, len(content) // 4096):
        damaged = bytearray(content)
        damaged[4096 * page : 4096 * page + 12] = b"\xff" * 12
        spec.path.write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be opened"):
            spec.open()


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_file_that_is_something_else_is_refused_and_left_as_it_is(tmp_path, kind):
    file = tmp_path / "notes.txt"
    file.write_text("Some notes,\nmany lines of them.\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes.txt cannot be opened \(.*\); name another\.$"):
        choose_storage(f"{kind}:///{file}", Path()).open()
    assert file.read_text(encoding="utf-8").startswith("Some notes")
    with pytest.raises(InputError, match="cannot be opened"):
        choose_storage(f"{kind}:///{file}/study", Path()).open()


def _get(port: int, path: str) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@pytest.mark.parametrize("spec", ["sqlite", "journal"], indirect=True)
def test_a_study_opens_in_optuna_dashboard(spec, opened):
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    opened().optimize(objective, n_trials=3)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]
    command += [spec.for_dashboard]
    command += ["--port", str(port), "--host", "127.0.0.1", "--server", "wsgiref", "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as dashboard:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    studies = _get(port, "/api/studies")["study_summaries"]
                    break
                except ConnectionRefusedError:
                    assert dashboard.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            (study,) = studies
            trials = _get(port, f"/api/studies/{study['study_id']}?after=0")["trials"]
        finally:
            dashboard.terminate()
    assert study["study_name"] == "s"
    assert [trial["state"] for trial in trials] == ["Complete"] * 3
