"""How many threads and processes a command uses, and what the processor is good at."""

from __future__ import annotations

import functools
import os

from cifar_sk.backend.hardware import (
    backend_name,
    cpu_count,
    cpu_info,
    gpu_capabilities,
    gpu_names,
)
from cifar_sk.errors import InputError

__all__ = [
    "cap_threads",
    "fast_dtype",
    "jobs_at_a_time",
    "set_threads",
    "thread_variables",
    "threads_set",
]

# What each backend reads before it first computes. JAX has no setting but the number of
# processors that it believes in; it starts some threads more, which do not compute.
_THREAD_VARIABLES = {
    "tensorflow": ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "torch": ("OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    "jax": ("NPROC",),
}


def set_threads(n_threads: int) -> None:
    """Fix the threads that Keras' backend uses in this process, before it first computes."""
    os.environ.update(thread_variables(n_threads))


def thread_variables(n_threads: int) -> dict[str, str]:
    """Return the environment variables that fix a process's threads."""
    return dict.fromkeys(_THREAD_VARIABLES.get(backend_name(), ()), str(n_threads))


def threads_set() -> int:
    """Read what `set_threads`, or the user, has set; 0 for nothing."""
    first = next(iter(_THREAD_VARIABLES.get(backend_name(), ())), "")
    return int(os.environ.get(first, "0"))


def cap_threads(threads: int | None, n_processes: int) -> int:
    """Fix the threads of this process and its workers, and return how many each has.

    None shares the processors among all that could be at work at a time. Sums of floats depend on
    the number of threads.
    """
    n_threads = threads or max(1, cpu_count() // n_processes)
    set_threads(n_threads)
    return n_threads


def jobs_at_a_time(jobs: str, n_folds: int, n_threads: int) -> int:
    """Read ``--jobs``, a number or "auto"; anything else is an `InputError`."""
    if jobs == "auto":  # folds share a GPU badly
        return 1 if gpu_names() else max(1, min(n_folds, cpu_count() // n_threads))
    if not jobs.isdecimal() or int(jobs) < 1:
        raise InputError(f"--jobs must be a number from 1, or auto; got {jobs!r}.")
    return int(jobs)


@functools.cache  # every network that is built asks
def fast_dtype() -> str:
    """Name the float type that this machine multiplies fastest without a loss of accuracy.

    "bfloat16" on GPUs of NVIDIA's compute capability 8.0 on, or a processor with AVX512-BF16, AMX
    or Arm's BF16 instructions; "float32" elsewhere, where bfloat16 would be emulated and slower.
    """
    gpus = gpu_capabilities()
    if gpus:
        return "bfloat16" if min(gpus) >= 8 else "float32"
    flags = cpu_info("flags", "Features").split()
    return "bfloat16" if {"avx512_bf16", "amx_bf16", "bf16"} & {*flags} else "float32"
