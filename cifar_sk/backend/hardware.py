"""The processors and GPUs of this machine, and the backend of Keras, without a framework."""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cifar_sk.errors import printable

__all__ = ["backend_name", "cpu_count", "cpu_info", "cpu_name", "gpu_capabilities", "gpu_names"]

_GPU_SECONDS = 5


def backend_name() -> str:
    """Name the backend of Keras ("tensorflow", "torch", "jax") without importing Keras."""
    keras = sys.modules.get("keras")
    if keras is not None:
        return keras.config.backend()
    if os.environ.get("KERAS_BACKEND"):
        return printable(os.environ["KERAS_BACKEND"])
    # As Keras finds it: https://keras.io/api/utils/config_utils
    home = os.environ.get("KERAS_HOME") or Path("~", ".keras").expanduser()
    try:
        config = json.loads(Path(home, "keras.json").read_text(encoding="utf-8"))
        return str(config.get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError, RecursionError):
        return "tensorflow"


def cpu_count() -> int:
    """Count the processors that this process may use."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def gpu_names() -> list[str]:
    """Name the NVIDIA GPUs without loading a framework; an empty list where there are none."""
    return [*_ask_gpus("name")]


def gpu_capabilities() -> list[float]:
    """Return the compute capability of each NVIDIA GPU, such as 8.0; 0.0 where it is not told."""
    told = _ask_gpus("compute_cap")
    return [float(text) if re.fullmatch(r"\d{1,3}\.\d{1,3}", text) else 0.0 for text in told]


@functools.cache  # one that hangs is not waited for again
def _ask_gpus(field: str) -> tuple[str, ...]:
    if shutil.which("nvidia-smi") is None:
        return ()
    query = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, timeout=_GPU_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = found.stdout[:10_000].decode(errors="replace").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def cpu_name() -> str:
    """Name the processor."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def cpu_info(*fields: str) -> str:
    """Read what Linux says of the first processor: the first entry of one of these names."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    named = (line for line in lines if line.startswith(fields))
    return next(named, "").partition(":")[2].strip()
