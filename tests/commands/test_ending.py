"""How commands end: by signals, without a reader, on odd terminals, on a poor machine."""

import errno
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import typer

from cifar_sk.backend import interrupts
from cifar_sk.commands.output import lasting_output
from cifar_sk.commands.running import run_command
from cifar_sk.commands.unforeseen import masked
from cifar_sk.tuning.storage import shown_url

SLEEPS = """
from cifar_sk.backend import interrupts
interrupts.begin()

import time
import typer
from cifar_sk.commands.running import run_command

app = typer.Typer()

@app.command()
def work() -> None:
    try:
        print("ready", flush=True)
        time.sleep(2)
    finally:
        print("cleaning", flush=True)
        time.sleep(0.5)
        print("clean", flush=True)

run_command(app, "work", [])
"""
CV = ["-m", "cifar_sk.cv", "--folds", "2"]


def start(*arguments, before=lambda: None, **env):
    def prepare():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where the tests run under nohup
        before()

    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
        preexec_fn=prepare,  # noqa: PLW1509  (no threads that matter)
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_command_after_it_has_cleaned_up(name):
    with start("-c", SLEEPS) as process:
        process.stdout.readline()
        time.sleep(0.1)  # in the middle of printing a line, it would come twice
        process.send_signal(signal.Signals[name])
        assert process.communicate(timeout=20) == ("cleaning\nclean\n", "error: interrupted\n")
    assert process.returncode == 128 + signal.Signals[name]


def test_a_second_signal_ends_it_at_once():
    with start("-c", SLEEPS) as process:
        process.stdout.readline()
        process.terminate()
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)  # as a closed terminal sends both
        time.sleep(0.35)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "error: interrupted\n")
    assert process.returncode == 130


def test_nohup_is_heeded():
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with start("-c", SLEEPS, before=ignore) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.communicate(timeout=20) == ("cleaning\nclean\n", "")
    assert process.returncode == 0


def handles_signals(process):
    """Whether a process has taken SIGTERM over, as the kernel says."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1


def imports_tensorflow(process):
    return "libtensorflow" in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("command", "is_there"),
    [
        (CV, handles_signals),
        (CV, imports_tensorflow),
        (["-m", "cifar_sk", "cv", *CV[2:]], handles_signals),
    ],
)
def test_ctrl_c_while_modules_load(command, is_there, tmp_path):
    with start(
        *command, "--dataset", "digits", "--model", "ann", "--results", tmp_path
    ) as process:
        while not is_there(process):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "error: interrupted\n")
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_run_finishes_without_a_reader_on_a_terminal_of_ascii(tmp_path):
    images = np.arange(40 * 4, dtype=np.uint8).reshape(40, 2, 2, 1)
    np.savez(tmp_path / "two.npz", images=images, labels=np.arange(40) % 2)
    arguments = ["--model", "dummy", "--jobs", "1", "--dataset", tmp_path / "two.npz"]
    arguments += ["--results", tmp_path, "--run", "r"]
    odd = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with start(*CV, *arguments, **odd) as process:
        assert process.stdout.readline().startswith("fold 1/2 done")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert (tmp_path / "r/report.html").exists()


def test_too_few_file_descriptors_are_said(tmp_path):
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (14, 14))
    arguments = ["--model", "dummy", "--dataset", "digits", "--jobs", "2", "--results", tmp_path]
    with start(*CV, *arguments, before=few) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("error: [Errno 24] Too many open files")
    assert err.count("\n") == 1


# --- in this process ----------------------------------------------------------------------


@contextmanager
def stdout_to(descriptor, encoding="utf-8"):
    """Let the standard output be another file in this block."""
    with pytest.MonkeyPatch.context() as patch, io.FileIO(descriptor, "w") as raw:
        stream = io.TextIOWrapper(raw, encoding=encoding)
        patch.setattr(sys, "stdout", stream)
        yield
        stream.detach()


def test_output_that_nobody_reads_ends_nothing(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with stdout_to(write), lasting_output() as lost:
        for _ in range(3):
            typer.echo("x" * 10_000)
    assert lost == []
    monkeypatch.setattr(sys, "stdout", None)
    with lasting_output():
        typer.echo("nowhere")


def test_output_that_a_full_disk_refuses_is_said():
    with stdout_to(os.open("/dev/full", os.O_WRONLY)), lasting_output() as lost:
        typer.echo("x" * 10_000)
        typer.echo("more")
    assert [error.errno for error in lost] == [errno.ENOSPC]


def test_output_shows_what_the_terminal_can(tmp_path):
    file = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    with stdout_to(file, "ascii"), lasting_output():
        sys.stdout.write("0.96 ± 0.01 \udcff\n")
    assert (tmp_path / "out").read_bytes() == b"0.96 ? 0.01 ?\n"


def run(action, capsys, *words):
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(storage: str = "", results: str = ""):
        action()

    with pytest.raises(SystemExit) as stop:
        run_command(app, "cv", list(words))
    return stop.value.code, capsys.readouterr().err


URL = "postgresql+psycopg://ann:s3cret@db/studies?sslpassword=t0psecret"


def broken():
    raise ZeroDivisionError(f"a bug\nat {URL}")


def test_what_nobody_foresaw_is_a_sentence_and_a_log(tmp_path, capsys):
    code, err = run(broken, capsys, "--storage", URL, "--results", str(tmp_path))
    (log,) = tmp_path.iterdir()
    assert code == 70
    assert err.startswith("error: an error that nobody foresaw (ZeroDivisionError: a bug at post")
    assert str(log) in err
    assert err.count("\n") == 1
    text = log.read_text()
    assert "in broken\n    raise ZeroDivisionError" in text
    assert '"numpy"' in text
    assert "--storage" in text
    assert "s3cret" not in text + err
    assert "t0psecret" not in text + err


def test_where_no_log_can_be_written_there_is_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    code, err = run(broken, capsys)
    assert code == 70
    assert "its log could not be written; what was finished before is kept\n" in err


def test_logs_hide_what_urls_hide():
    for url in (URL.partition("?")[0], "postgresql://a:b%40c@h:5/d", "sqlite:///study.db"):
        assert masked(f"no {url}!") == f"no {shown_url(url)}!"


def deep():
    deep()


def out_of_memory():
    raise MemoryError("Unable to allocate 273. TiB")


def died():
    raise ChildProcessError("A worker process died")


def ctrl_c_that_a_library_turned_into_its_own():
    try:
        signal.raise_signal(signal.SIGTERM)
    except KeyboardInterrupt:
        raise ImportError("numpy._core.multiarray failed to import") from None


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        (deep, 70, "RecursionError: maximum recursion depth exceeded"),
        (out_of_memory, 1, "There is not enough memory (Unable to allocate 273. TiB); use fewer"),
        (died, 1, "A worker process died; what was finished before is kept"),
        (ctrl_c_that_a_library_turned_into_its_own, 143, "error: interrupted\n"),
    ],
)
def test_other_ends(action, code, message, capsys, tmp_path):
    assert_end = run(action, capsys, "--results", str(tmp_path))
    assert assert_end[0] == code
    assert message in assert_end[1]


def test_handlers_are_given_back_and_those_of_others_kept(capsys):
    mine = lambda *_: None
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, mine)
    try:
        run(lambda: signal.raise_signal(signal.SIGTERM), capsys)
        assert signal.getsignal(signal.SIGTERM) is mine
        assert interrupts.received() == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.getsignal(signal.SIGHUP) in {signal.SIG_DFL, signal.SIG_IGN}
