import json
import os
import platform
import shlex
from datetime import UTC, datetime

import numpy as np

from cifar_sk import __version__
from cifar_sk.backend.hardware import cpu_count
from cifar_sk.runs.provenance import provenance


def test_what_is_recorded():
    command = ["python", "-m", "cifar_sk.cv", "--set", "classifier__hidden_units=(8, 4)"]
    found = provenance(command)
    assert shlex.split(found["command"]) == command
    assert found["versions"]["cifar_sk"] == __version__
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["numpy"] == np.__version__
    assert all(found["versions"].values())
    age = datetime.now(UTC) - datetime.fromisoformat(found["created"])
    assert 0 <= age.total_seconds() < 60
    assert found["machine"]["cpu"]
    assert found["machine"]["cpu_count"] == cpu_count()
    assert json.loads(json.dumps(found)) == found


def test_only_processors_that_may_be_used_count():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cpu_count() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cpu_count() == len(allowed)
