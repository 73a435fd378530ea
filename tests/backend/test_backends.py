"""The library on Keras' other backends, each in a process of its own, where they are installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_sk import cv
from cifar_sk.runs.folder import read_manifest

CHECKS = Path(__file__).with_name("backend_checks.py")


def run(backend, *command, **options):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NPROC": "1"}
    # Little to compute, so that compiling it well does not pay.
    environ = {"KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1", **threads}
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_what_every_backend_must_be_able_to_do(backend):
    done = run(backend, "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--durations=5", CHECKS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_the_command_line(backend, tmp_path):
    arguments = "--model ann --dataset digits --folds 2 --limit 200 --epochs 1 --run run --quiet"
    done = run(backend, "cifar_sk.cv", *arguments.split(), "--results", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert read_manifest(tmp_path / "run").backend == backend


def test_folds_of_two_backends_are_not_mixed(tmp_path, monkeypatch, capsys):
    """With a baseline, for which the backend's name is all that there is of it."""
    arguments = ["--model", "dummy", "--dataset", "digits", "--limit", "100", "--quiet"]
    arguments += ["--jobs", "1", "--run", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match="0"):
        cv.main(arguments)
    monkeypatch.setattr("cifar_sk.runs.provenance.backend_name", lambda: "torch")
    with pytest.raises(SystemExit, match="2"):
        cv.main([*arguments, "--resume"])
    assert "backend" in capsys.readouterr().err
