"""Where a number came from: versions, machine and command, for ``run.json``."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cifar_sk._version import __version__

__all__ = ["backend_name", "cpu_count", "provenance"]

_PACKAGES = (
    "keras",
    "tensorflow",
    "scikeras",
    "scikit-learn",
    "optuna",
    "imbalanced-learn",
    "numpy",
    "pandas",
)


def provenance(command: Sequence[str] | None = None) -> dict[str, Any]:
    """Describe the program and the machine in JSON values.

    ``created`` (UTC), ``backend`` (of Keras), ``versions``, ``machine`` and, where it is given
    word by word, the ``command``.
    """
    backend = backend_name()
    packages = _PACKAGES if backend in _PACKAGES else (*_PACKAGES, backend)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **({} if command is None else {"command": shlex.join(command)}),
        "backend": backend,
        "versions": {
            "cifar_sk": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in packages},
        },
        "machine": {
            "system": platform.system(),
            "cpu": _cpu_name(),
            "cpu_count": cpu_count(),
            "gpus": gpu_names(),
        },
    }


def backend_name() -> str:
    """Name the backend of Keras ("tensorflow", "torch", "jax") without importing Keras."""
    keras = sys.modules.get("keras")
    if keras is not None:
        return keras.config.backend()
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    # As Keras finds it: https://keras.io/api/utils/config_utils
    home = os.environ.get("KERAS_HOME") or Path("~", ".keras").expanduser()
    try:
        config = json.loads(Path(home, "keras.json").read_text(encoding="utf-8"))
        return str(config.get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


def cpu_count() -> int:
    """Count the processors that this process may use."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def gpu_names() -> list[str]:
    """Name the NVIDIA GPUs without loading a framework; an empty list where there are none."""
    return _ask_gpus("name")


def gpu_capabilities() -> list[float]:
    """Return the compute capability of each NVIDIA GPU, such as 8.0."""
    return [float(text) for text in _ask_gpus("compute_cap")]


def _ask_gpus(field: str) -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in found.stdout.splitlines() if line.strip()]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    return cpu_info("model name") or platform.processor() or platform.machine()


def cpu_info(*fields: str) -> str:
    """Read what Linux says of the first processor: the first entry of one of these names."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    named = (line for line in lines if line.startswith(fields))
    return next(named, "").partition(":")[2].strip()
