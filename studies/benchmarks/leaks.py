"""How many planted leaks the alarm catches, and how many clean pipelines it accuses.

    python -m studies.benchmarks.leaks --output FOLDER

Audits the 40 scripts of ``tests/leaks/planted`` and the 40 of ``tests/leaks/clean``: a leak is
caught where a rule that its script names speaks, and a clean pipeline is accused where any does.
All were written before the rules; ten of each, drawn at random (``HELD_BACK``), were audited only
when the rules were done.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
HELD_BACK = {
    *("callback_picks_best_epoch", "eval_set_in_fit_params", "letterboxed_class"),
    *("loads_the_data_in_fit", "mixup_before_split", "smote_of_uint8_images"),
    *("target_encoding_outside", "validation_data_of_scored_samples", "video_frames"),
    *("zca_outside", "callback_that_logs", "class_weights_by_label", "dark_borders"),
    *("grouped_doubles", "grouped_films", "oversampling_in_pipeline", "pixels_from_0_to_1"),
    *("standardised_per_image", "warm_start", "wine_forest"),
}


def audit_scripts() -> pd.DataFrame:
    """Audit every script: ``name``, ``kind``, ``held_back``, ``rules``, ``right``, ``seconds``."""
    sys.path.insert(0, str(ROOT / "tests/leaks"))
    from scripts import CLEAN, PLANTED, findings

    rows = []
    for kind, scripts in (("planted", PLANTED), ("clean", CLEAN)):
        for script in scripts:
            start = time.process_time()
            expected, found = findings(script)
            rules = {finding.name for finding in found}
            row = {"name": script.stem, "kind": kind, "held_back": script.stem in HELD_BACK}
            row["rules"] = " ".join(sorted(rules, key=lambda rule: (rule not in expected, rule)))
            row["right"] = bool(rules & expected) if kind == "planted" else not rules
            rows.append({**row, "seconds": round(time.process_time() - start, 2)})
    return pd.DataFrame(rows)


def main() -> None:
    """Audit, print the counts, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    table = audit_scripts()
    print(table.groupby(["kind", "held_back"])["right"].agg(["sum", "count"]))
    print(f"{table['seconds'].sum():.1f} s of processor time")
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        table.to_csv(arguments.output / "leaks.csv", index=False)


if __name__ == "__main__":
    main()
