"""Where a number came from: versions, machine and command, for ``run.json``."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from cifar_sk._version import __version__
from cifar_sk.backend.hardware import backend_name, cpu_count, cpu_name, gpu_names

__all__ = ["provenance"]

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
            "cpu": cpu_name(),
            "cpu_count": cpu_count(),
            "gpus": gpu_names(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
