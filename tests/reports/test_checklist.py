"""The reporting list: every item, answers out of the run alone, questions for all else."""

import re
from dataclasses import replace

import numpy as np
import pytest
from made_runs import as_of_an_older_version, made_run, with_folds
from sklearn.naive_bayes import GaussianNB

from cifar_sk import cross_validate_oof, read_run
from cifar_sk.metrics import fold_metrics
from cifar_sk.report import main
from cifar_sk.reports.run.checklist import checklist
from cifar_sk.reports.run.reforms import MODULES

# Kapoor et al. (2024), table 1: how many items each module has.
SIZES = {1: 3, 2: 5, 3: 7, 4: 3, 5: 6, 6: 3, 7: 3, 8: 2}
# What no run folder can know: aims, reasons, origins, limits.
ALWAYS_ASKED = "1a 1b 1c 3b 3c 3f 3g 4b 5b 5f 7c 8b"
RUN = made_run("a", [0.8, 0.7, 0.6], n_test=40)


def sections(run):
    parts = re.split(r"^### (\d[a-g]) .*\n", checklist(run).text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_item_appears_with_a_question():
    found = sections(RUN)
    expected = [f"{module}{'abcdefg'[k]}" for module, n in SIZES.items() for k in range(n)]
    assert list(found) == expected
    assert len(expected) == 32
    assert len(MODULES) == 8
    assert all(text.count("- [ ] Authors: ") == 1 for text in found.values())


def test_what_no_run_can_know_stays_a_question():
    rich = made_run("a", [0.8, 0.7], n_test=40, selected="S", title="T", command="C")
    found = sections(rich)
    for number in ALWAYS_ASKED.split():
        assert "The run:" not in found[number], number
    said = {number for number, text in found.items() if "The run:" in text}
    assert checklist(rich).n_answered == len(said)
    assert not {*ALWAYS_ASKED.split()} & said


def test_answers_are_those_of_the_run():
    machine, versions = {"cpu": "abacus", "gpus": []}, {"cifar_sk": "9.9", "numpy": "2.4"}
    run = made_run(
        "a",
        [0.8, 0.7, 0.6],
        n_test=40,
        data={"source": "a drawer", "image_shape": (8, 8, 3), "fallback": "no other data"},
        machine=machine,
        versions=versions,
        command="cifar-sk cv --model ann",
        selected="the study s selected these",
    )
    groups = np.arange(120) // 4
    run = replace(run, result=replace(run.result, groups=groups))
    run = with_folds(run, best_params={"depth": 3}, n_parameters=1234)
    found = sections(run)
    table = fold_metrics(run.result).set_index("row")
    for number, text in {
        "2a": f"`pets`, 120 images of the shape 8 × 8 × 3, SHA-256 `{'f' * 64}`",
        "2b": "cifar_sk `9.9`",
        "2c": "machine `cpu` `abacus`.",
        "2e": "`cifar-sk cv --model ann`",
        "3a": "`a drawer`",
        "3d": "`cat` 30, `dog` 30, `emu` 30, `fox` 30",
        "3e": "30 groups of images",
        "4c": "`classifier` `Made`",
        "5a": "weights of a fitted network: 1,234.",
        "5c": "1 × 3 folds, SHA-256 `aaaa",
        "5d": "`the study s selected these`",
        "5e": "fold_02 chose `depth` `3`",
        "6a": "on its training images",
        "6b": "30 groups of images",
        "7a": f"accuracy {table.loc['mean', 'accuracy']:.4f} ±",
        "7b": f"corrected t: {table.loc['ci95_low', 'accuracy']:.4f} to ",
    }.items():
        assert text in found[number], number
    assert "each fold trains on 80 images and is scored on 40" in found["5c"]
    assert "holds no groups" in sections(RUN)["6b"]


def test_text_of_a_run_is_no_markdown():
    names = ("a`b", "``", "<script>", "# d\n- [x] done")
    run = made_run(
        "a", [0.8, 0.7], n_test=8, data={"class_names": names}, title="# T\n## 9. Extra"
    )
    text = checklist(run).text
    assert text.startswith("# Reporting list of `# T ## 9. Extra`\n")
    assert text.count("\n## ") == 8
    assert "``a`b`` 4, ``` `` ``` 4, `<script>` 4, `# d - [x] done` 4" in text
    assert not re.search(r"^- \[x\]", text, re.MULTILINE)


def test_failed_folds_and_many_classes_are_said():
    folds = RUN.result.folds
    failed = replace(folds[0], proba=None, error="out of memory")
    run = replace(RUN, result=replace(RUN.result, folds=(failed, *folds[1:])))
    assert "40 images of fold_00 have no prediction" in sections(run)["4a"]
    nothing = replace(RUN, result=replace(RUN.result, folds=(failed,)))
    assert checklist(nothing).n_items == 32
    names = tuple(f"c{k}" for k in range(21))
    many = replace(RUN.result, class_names=names, target=np.arange(120) % 21)
    text = checklist(replace(RUN, result=replace(many, folds=(failed,)))).text
    assert "21 classes of 5 to 6 images each" in text


@pytest.mark.parametrize("is_older", [False, True])
def test_the_command_writes_it_for_runs_of_all_versions(tmp_path, capsys, is_older):
    X, y = np.random.default_rng(0).random((60, 4)), np.arange(60) % 3
    cross_validate_oof(GaussianNB(), X, y, cv=3, store=tmp_path / "run", class_names=list("abc"))
    if is_older:
        as_of_an_older_version(tmp_path / "run")
        np.save(tmp_path / "run/target.npy", y)
    before = {*(tmp_path / "run").iterdir()}
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path / "run"), "--checklist"])
    out, _ = capsys.readouterr()
    assert end.value.code == 0
    assert {*(tmp_path / "run").iterdir()} - before == {tmp_path / "run/checklist.md"}
    assert f"{tmp_path / 'run/checklist.md'} holds the 32 items" in out
    text = (tmp_path / "run/checklist.md").read_text(encoding="utf-8")
    assert text == checklist(read_run(tmp_path / "run")).text
    assert "`classifier` `GaussianNB`" in text
