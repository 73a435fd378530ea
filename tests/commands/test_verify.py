"""A run's files and tables are checked, and what differs is named."""

import re
import shutil

import numpy as np
import pytest
from made_runs import as_of_an_older_version
from sklearn.naive_bayes import GaussianNB

from cifar_sk import cross_validate_oof, write_report
from cifar_sk.verify import main

X, Y = np.random.default_rng(0).random((90, 4)), np.arange(90) % 3


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "run"
    result = cross_validate_oof(
        GaussianNB(), X, Y, cv=3, store=path, holdout=(1 - X[:12], Y[:12]), class_names=list("abc")
    )
    write_report(result, path)
    return path


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def verify(capsys):
    def call(*runs):
        with pytest.raises(SystemExit) as end:
            main([str(run) for run in runs])
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    return call


def test_a_whole_run_is_identical(run, verify):
    code, out, _ = verify(run, run)
    assert code == 0
    assert out.count("3 of 3 folds\n  every file is as it was written\n") == 2
    tables = re.findall(r"^  (\S+\.(?:csv|txt)) +identical$", out, re.MULTILINE)
    written = [*run.glob("*.csv"), *run.glob("*.txt")]
    assert sorted(tables) == sorted(file.name for file in written for _ in range(2))


def test_a_damaged_fold_is_named(run, verify):
    with (run / "folds/01/history.csv").open("a") as file:
        file.write("1")
    code, out, _ = verify(run)
    assert code == 1
    assert re.search(r"folds/01/history\.csv is damaged: it has 7 bytes instead of 6; fit", out)
    assert "--resume" in out


@pytest.mark.parametrize("of_older_version", [False, True])
def test_tables_are_computed_again(run, verify, of_older_version):
    if of_older_version:
        as_of_an_older_version(run)
    table = run / "fold_metrics.csv"
    text = table.read_text()
    first = re.search(r"0\.\d{12,}", text)[0]
    table.write_text(text.replace(first, first[:-1] + str((int(first[-1]) + 1) % 10), 1))
    predictions = run / "oof_predictions.csv"
    lines = predictions.read_text().splitlines()
    lines[3] = lines[3].replace(",a,", ",b,", 1) if ",a," in lines[3] else lines[3] + "1"
    predictions.write_text("\n".join(lines) + "\n")
    (run / "class_metrics.csv").write_text("class\na\n")
    (run / "mistakes.csv").write_bytes(b"\xff\xfe")
    (run / "hardest_classes.csv").unlink()
    (run / "confusion_matrix.csv").write_text(
        "".join((run / "confusion_matrix.csv").read_text().splitlines(keepends=True)[:-1])
    )
    code, out, _ = verify(run)
    assert code == 1
    rounded = r"within rounding in what .* written by an older version"
    rounded = rounded if of_older_version else "within rounding"
    assert re.search(rf"fold_metrics\.csv +{rounded}\n", out)
    assert ("times.csv" in out) != of_older_version
    assert re.search(r"oof_predictions\.csv +different: \w+ in row 3 is \S+, and \S+ comp", out)
    assert re.search(r"class_metrics\.csv +different: columns ", out)
    assert re.search(r"mistakes\.csv +different: it cannot be read", out)
    assert re.search(r"hardest_classes\.csv +missing\n", out)
    assert re.search(r"confusion_matrix\.csv +different: 2 rows, and 3 computed", out)
    assert ("wrote no checksums" in out) == of_older_version


def test_a_run_of_an_older_version_is_whole(run, verify):
    as_of_an_older_version(run)
    table = run / "fold_metrics.csv"
    # Older versions gave bounds where all folds had the same score.
    table.write_text(re.sub(r"(?m)^(ci95_low,,,,,)[^,]*", r"\g<1>0.5", table.read_text()))
    code, out, _ = verify(run)
    assert code == 0
    assert "written by an older version\n" in out
    table.write_text(re.sub(r"(fold_01,0,1,\d+,\d+),", r"\1,1", table.read_text(), count=1))
    code, out, _ = verify(run)
    assert code == 1
    assert re.search(r"fold_metrics\.csv +different: accuracy in row 2 is 1\S+, and 0\.\S+ c", out)
    assert "missing" not in out


def test_what_is_unfinished_or_no_run_is_said(run, verify, tmp_path):
    shutil.rmtree(run / "folds/02")
    code, out, _ = verify(run)
    assert code == 0
    assert "2 of 3 folds" in out
    assert "once all folds are finished" in out
    (run / "run.json").write_text("{}")
    code, _, err = verify(run)
    assert code == 2
    assert "run.json is no run manifest" in err
    assert verify(tmp_path / "none")[0] == 2
