"""The scripts of planted leaks and clean pipelines, and what the alarm says of each."""

from __future__ import annotations

import runpy
import tempfile
import warnings
from pathlib import Path
from typing import Any

from cifar_sk.commands.auditing import audit_selection
from cifar_sk.leaks import Finding, audit
from cifar_sk.leaks.sources import audit_source

HERE = Path(__file__).parent
PLANTED, CLEAN = (sorted((HERE / kind).glob("*.py")) for kind in ("planted", "clean"))


def expected(names: dict[str, Any]) -> set[str]:
    """Return the rules that may catch a script's leak: one of them is enough."""
    said = names.get("expected", ())
    return {said} if isinstance(said, str) else set(said)


def findings(script: Path) -> tuple[set[str], list[Finding]]:
    """Run a script and audit what it defines; return the rules that should speak, and who did."""
    with warnings.catch_warnings(action="ignore"):
        names = runpy.run_path(str(script), run_name=script.stem)
        beside = {
            key: names[key] for key in ("cv", "groups", "test", "fit_params") if key in names
        }
        found = audit(names["estimator"], names["X"], names["y"], **beside)
        if "study" in names:
            with tempfile.TemporaryDirectory() as folder:
                found += audit_selection(names["study"](Path(folder)), names["bunch"])
    return expected(names), found + audit_source(script, {"X"})
