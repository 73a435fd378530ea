import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from cifar_sk.backend import temporary

OWNER = """
import multiprocessing, os, pickle, sys, time
from cifar_sk.backend.temporary import own_folder, run_worker

folder = own_folder()
(folder / "arrays.bin").write_bytes(b"images")
packed = pickle.dumps((time.sleep, (60,)))
context = multiprocessing.get_context("spawn")
workers = [
    context.Process(target=run_worker, args=(os.getpid(), folder, packed), daemon=True)
    for _ in range(int(sys.argv[1]))
]
for worker in workers:
    worker.start()
print(folder, *[worker.pid for worker in workers], flush=True)
time.sleep(float(sys.argv[2]))
"""


def start_owner(place, n_workers=0, seconds=60.0):
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(n_workers), str(seconds)],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_workers_of_a_killed_process_end_and_remove_its_folder(tmp_path):
    with start_owner(tmp_path, n_workers=2) as owner:
        folder, *workers = owner.stdout.readline().split()
        processes = [psutil.Process(int(number)) for number in workers]
        assert (Path(folder) / "arrays.bin").exists()
        owner.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert not [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE]
        assert "Traceback" not in owner.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_leaves_nothing(tmp_path):
    with start_owner(tmp_path, seconds=0) as owner:
        assert owner.stdout.readline().startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_next_process_sweeps_what_is_nobodys_and_nothing_else(tmp_path, monkeypatch):
    others = [tmp_path / "cifar_sk-123", tmp_path / "cifar_sk-postgresql-abcd1234"]
    (young, old) = (tmp_path / f".cifar_sk-1-{name * 2}" for name in ("made", "kill"))
    for folder in (*others, young, old):
        folder.mkdir()
    os.utime(old, (0, 0))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with start_owner(tmp_path) as killed, start_owner(tmp_path) as living:
        left, kept = (Path(owner.stdout.readline().strip()) for owner in (killed, living))
        killed.kill()
        killed.wait()
        semaphore = Path(f"/dev/shm/sem.loky-{killed.pid}-test")
        if semaphore.parent.is_dir():
            semaphore.touch()
        temporary.sweep()
        assert not left.exists()
        assert not semaphore.exists()
        assert sorted(tmp_path.iterdir()) == sorted([*others, young, kept])
        living.kill()
    monkeypatch.setattr(os, "getuid", lambda: -1)
    temporary.sweep()
    assert kept.exists()  # another user's


def test_folders_that_are_made_while_others_sweep_stay(tmp_path):
    code = (
        "from cifar_sk.backend import temporary as t\n"
        "for _ in range(150):\n"
        "    t._folders.clear()\n"
        "    assert (t.own_folder() / '.lock').exists()\n"
        "    t.sweep()\n"
        "    assert (t.own_folder() / '.lock').exists()\n"
        "    t._locks.pop().release()\n"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
