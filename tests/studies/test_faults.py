"""A few faults of every kind, as ``studies.benchmarks.faults`` does hundreds: none does harm."""

from collections import Counter
from pathlib import Path

import pytest

from studies.benchmarks import fault_damage, fault_inputs, fault_kills
from studies.benchmarks.fault_cases import Case, spread
from studies.benchmarks.faults import Record, kinds, summary

ROOT = Path(__file__).parents[2]
HARMLESS = {
    "identical tables",
    "fitted again, identical tables",
    "accepted, right results",
    "a sentence, exit 2",
    "a sentence, exit 1",  # what the machine refuses, such as a name that is too long
}


def outcomes(runner, cases):
    """Run cases, and count their outcomes; what did harm is shown with its details."""
    counts, details = Counter(), []
    for case in cases:
        outcome = runner.run(case)
        counts.update(outcome.counts)
        if set(outcome.counts) - HARMLESS:
            details.append(f"{case.key}: {outcome.counts}\n{outcome.detail}")
    assert not details, "\n".join(details)
    return counts


def test_damaged_files_are_noticed_or_change_nothing(tmp_path):
    value_changed = 9
    groups = ["metrics.json", "predictions.npz", "run.json", "labels"]
    cases = [Case("damage", group, value_changed) for group in groups]
    cases += [Case("damage", "history.csv", 0), Case("damage", "stray files", 1)]
    found = outcomes(fault_damage.Runner(tmp_path, saved=False), cases)
    assert found.total() == 3 * len(cases)  # read by report, compare and --resume
    assert found["a sentence, exit 2"] > 0
    assert found["fitted again, identical tables"] > 0


def test_bad_inputs_are_answered_by_a_sentence(tmp_path):
    cases = [case for case in kinds()["inputs"][:50] if case.group != "names"]
    found = outcomes(fault_inputs.Runner(tmp_path, limit_memory=False), cases)
    assert found["a sentence, exit 2"] > 0.8 * len(cases)


@pytest.mark.parametrize(
    "case",
    [
        # tests/commands/test_cv.py kills cv in every run of the tests.
        pytest.param(Case("kill-cv", "logistic, two jobs", 3), marks=pytest.mark.slow),
        Case("kill-tune", "SQLite", 3),
    ],
    ids=lambda case: case.kind,
)
def test_a_killed_command_goes_on_and_leaves_nothing(case, tmp_path):
    outcome = fault_kills.Kills(ROOT, tmp_path).run(case)
    assert not +Counter(outcome.counts), outcome.detail


def test_the_first_cases_hold_every_group_in_proportion():
    cases = spread("kind", {"a": 90, "b": 10})
    assert len(cases) == len(set(cases)) == 100
    assert Counter(case.group for case in cases[:10]) == {"a": 9, "b": 1}
    shares = [case.share for case in cases if case.group == "a"]
    assert all(abs(k / 90 - share) < 0.03 for k, share in enumerate(sorted(shares)))


def test_the_table_counts_outcomes_before_and_after(tmp_path):
    line = '{{"case": "{0}", "kind": "k", "group": "g", "counts": {{"{1}": {2}}}}}\n'
    before = line.format("a", "traceback", 1) + line.format("b", "done", 1) + '{"case": "half'
    (tmp_path / "before.jsonl").write_text(before)
    (tmp_path / "after.jsonl").write_text(line.format("a", "done", 1))
    assert Record(tmp_path / "before.jsonl").done() == {"a", "b"}
    table = summary(tmp_path).set_index("outcome")
    assert list(table.loc["traceback", ["n_before", "before", "n_after", "after"]]) == [2, 1, 1, 0]
    assert list(table.loc["done", ["n_before", "before", "n_after", "after"]]) == [2, 1, 1, 1]
