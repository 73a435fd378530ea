"""What the machine says of itself, where its tools are odd or a backend is not there."""

import os
import subprocess
import sys
import time

import pytest

from cifar_sk.backend import hardware, machine


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program called nvidia-smi, of a few shell commands, in front of all others."""

    def install(commands):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{commands}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr(hardware, "_GPU_SECONDS", 0.3)
        hardware._ask_gpus.cache_clear()
        machine.fast_dtype.cache_clear()

    yield install
    hardware._ask_gpus.cache_clear()
    machine.fast_dtype.cache_clear()


@pytest.mark.parametrize(
    ("commands", "capabilities", "dtype"),
    [
        ("echo 8.0; echo 9.0", [8.0, 9.0], "bfloat16"),
        ("echo 7.5", [7.5], "float32"),
        ("echo '[N/A]'", [0.0], "float32"),
        ("echo '[Unknown Error]'; echo 9.0", [0.0, 9.0], "float32"),
        ("echo nan; echo inf; echo 1e400", [0.0, 0.0, 0.0], "float32"),
        (r"printf '\377\376\n'", [0.0], "float32"),
        ("echo 8.0; exit 9", [], None),
        ("sleep 20", [], None),
        ("kill -9 $$", [], None),
        ("", [], None),
    ],
)
def test_nvidia_smi_may_answer_anything(nvidia_smi, commands, capabilities, dtype):
    nvidia_smi(commands)
    start = time.monotonic()
    assert hardware.gpu_capabilities() == capabilities
    assert len(hardware.gpu_names()) == len(capabilities)
    assert machine.fast_dtype() in ([dtype] if dtype else ["bfloat16", "float32"])
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("backend", ["tensorfloww", "no\udce9"])
def test_a_backend_that_is_not_there_is_a_sentence(backend):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    code = "from cifar_sk.errors import InputError\ntry:\n import cifar_sk.backend.keras_import\n"
    code += "except InputError as error:\n print(error)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Keras cannot be imported with the backend" in found.stdout
    assert "set KERAS_BACKEND to tensorflow, torch or jax" in found.stdout
    assert found.stderr == ""
