"""The files of a report: complete, escaped, reproducible."""

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from made_runs import as_of_an_older_version
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import KFold

from cifar_sk.datasets import load_dataset
from cifar_sk.displays import SampleGridDisplay
from cifar_sk.errors import InputError
from cifar_sk.evaluation import cross_validate_oof
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import oof_predictions
from cifar_sk.report import main
from cifar_sk.reports import RunTables, summary_table, write_report
from cifar_sk.reports.run.page import render_page
from cifar_sk.reports.run.page_data import page_data, script_json
from cifar_sk.reports.run.run_info import run_info
from cifar_sk.reports.run.thumbnails import Thumbnails
from cifar_sk.reports.run.tiles import TileMaker
from cifar_sk.runs.folder import RunFolder

NAMES = ("<script>alert(1)</script>", 'b & "c"', "true")


def make_result(failed=()):
    generator = np.random.default_rng(0)
    target = np.arange(30) % 3
    folds = []
    for index, part in enumerate(np.array_split(generator.permutation(30), 3)):
        is_failed = index in failed
        folds.append(
            FoldResult(
                index=index,
                repeat=0,
                fold=index,
                n_train=20,
                test_index=np.sort(part),
                proba=None if is_failed else generator.dirichlet(np.ones(3), 10),
                fit_time=2.5,
                history={} if is_failed else {"loss": [2.0, 1.0], "val_loss": [2.1, 1.4]},
                n_epochs=None if is_failed else 2,
                error="<b>OOM</b>" if is_failed else None,
            )
        )
    return OOFResult(target, np.arange(3), NAMES, 3, 1, tuple(folds))


IMAGES = np.random.default_rng(1).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
DIGITS = load_dataset("digits", limit=40, random_state=3)
INFO = {"title": "A <run>", "fallback": "Digits & nothing else.", "versions": {"keras": "3.15.1"}}


VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """Tags with their attributes, and all text outside style and scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open, self.inlined = [], "", [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] in (["style"], ["script"]):
            kind = self.tags[-1][1].get("type", self.open[-1])
            self.inlined.setdefault(kind, []).append(data)
        else:
            self.text += data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, write_report(make_result(failed=[1]), folder, images=IMAGES, info=INFO)


def test_files(written):
    folder, paths = written
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    assert names == [
        "class_metrics.csv",
        "classification_report.txt",
        "conformal.csv",
        "conformal.json",
        "confused_pairs.csv",
        "confusion_matrix.csv",
        "confusion_matrix_fold_00.csv",
        "confusion_matrix_fold_02.csv",
        "confusion_matrix_normalized.csv",
        "confusion_matrix_normalized_fold_00.csv",
        "confusion_matrix_normalized_fold_02.csv",
        "error_by_brightness.csv",
        "error_by_contrast.csv",
        "figures/class_scores.png",
        "figures/confident_mistakes.png",
        "figures/conformal_sets.png",
        "figures/confused_pairs.png",
        "figures/confusion_matrix.png",
        "figures/confusion_matrix_fold_00.png",
        "figures/confusion_matrix_fold_02.png",
        "figures/confusion_matrix_normalized.png",
        "figures/error_by_brightness_and_contrast.png",
        "figures/label_issues.png",
        "figures/learning_curves.png",
        "figures/reliability.png",
        "figures/samples.png",
        "fold_metrics.csv",
        "hardest_classes.csv",
        "intervals.csv",
        "label_issues.csv",
        "mistakes.csv",
        "oof_predictions.csv",
        "report.html",
        "times.csv",
    ]
    on_disk = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(on_disk) == sorted(paths)  # no temporary file is left


def test_csv_files_read_back_as_the_tables(written):
    folder, _ = written
    table = oof_predictions(make_result(failed=[1]))
    read = pd.read_csv(folder / "oof_predictions.csv")
    pd.testing.assert_frame_equal(read, table, check_dtype=False, rtol=1e-15)
    confusion = pd.read_csv(folder / "confusion_matrix.csv", index_col=0)
    assert confusion.index.name == "true"
    assert confusion.to_numpy().sum() == 20
    assert b"\r" not in (folder / "fold_metrics.csv").read_bytes()


def test_same_result_gives_the_same_bytes(written, tmp_path):
    folder, paths = written
    write_report(make_result(failed=[1]), tmp_path, images=IMAGES, info=INFO)
    for path in paths:
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_page_is_escaped_and_well_formed(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []  # every tag is closed, in order
    assert [tag for tag, _ in page.tags].count("script") == 3  # the data and the page's own two
    for text in [*NAMES, "A <run>", "<b>OOM</b>", "Digits & nothing else.", "keras 3.15.1"]:
        assert text in page.text
    assert "2 of 3 folds" in page.text
    assert "not a standard error" in page.text


def test_page_loads_nothing_and_every_image_has_a_description(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert sum(image["src"].startswith("data:image/png;base64,") for image in images) == 3
    assert all(image["src"].startswith("data:image/") for image in images)
    assert all(len(image["alt"]) > 10 for image in images)
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert attributes.get("src", "data:").startswith("data:")
        assert "href" not in attributes


def test_policy_allows_what_is_in_the_page_and_nothing_else(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    policy = next(
        attributes["content"]
        for _, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind in ("style", "script"):
        for text in page.inlined[kind]:
            digest = hashlib.sha256(text.encode()).digest()
            assert f"'sha256-{base64.b64encode(digest).decode()}'" in rules[f"{kind}-src"]
    assert "unsafe" not in policy


def test_data_cannot_end_their_script(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    (text,) = page.inlined["application/json"]
    assert not set("<>&") & set(text)
    assert json.loads(text)["classes"] == list(NAMES)
    assert json.loads(script_json("<!-- \u2028 </script>")) == "<!-- \u2028 </script>"


def test_data_hold_the_most_confident_predictions_of_every_cell():
    result = make_result()
    data = page_data(result)
    target = np.concatenate([result.target[fold.test_index] for fold in result.folds])
    proba = np.concatenate([fold.proba for fold in result.folds])
    assert data["counts"][0] == confusion_matrix(target, proba.argmax(axis=1)).ravel().tolist()
    assert np.sum(data["counts"][1:], axis=0).tolist() == data["counts"][0]
    assert len(data["records"]) == 30  # no cell holds more than may be shown
    confidence = [max(record[5::2]) for record in data["records"]]
    assert confidence == sorted(confidence, reverse=True)
    for sample, fold, true, predicted, *pairs in data["records"]:
        row = result.folds[fold].proba[list(result.folds[fold].test_index).index(sample)]
        assert (true, predicted) == (result.target[sample], row.argmax())
        assert dict(zip(pairs[::2], pairs[1::2], strict=True)) == {
            label: round(1000 * row[label]) for label in range(3)
        }


def test_no_prediction_is_shown_as_certain():
    proba = np.array([[1.0, 0.0, 0.0], [0.9996, 0.0004, 0.0], [0.5, 0.4995, 0.0005]])
    folds = (FoldResult(0, 0, 0, 3, np.arange(3), proba),)
    result = OOFResult(np.array([1, 1, 1]), np.arange(3), NAMES, 1, 1, folds)
    tiles = TileMaker(result).tiles(range(3))
    assert [[text for _, text, _, _ in tile.bars] for tile in tiles] == [
        ["> 99.9 %", "< 0.1 %", "< 0.1 %"],
        ["> 99.9 %", "< 0.1 %", "< 0.1 %"],
        ["50.0 %", "50.0 %", "< 0.1 %"],
    ]
    # The page's script writes 0 and 1000 as bounds, as the tiles do.
    shown = {record[0]: record[5::2] for record in page_data(result)["records"]}
    assert shown == {0: [1000, 0, 0], 1: [1000, 0, 0], 2: [500, 500, 0]}
    grid = SampleGridDisplay.most_confident_mistakes(result, np.zeros((3, 8, 8), np.uint8)).plot()
    written = {text.get_text().rpartition(", ")[2] for text in grid.ax_.texts}
    assert {"> 99 %", "50 %"} < written


def many_predictions(n=3_000):
    generator = np.random.default_rng(0)
    target, proba = np.arange(n) % 3, generator.dirichlet(np.ones(3), n)
    parts = np.array_split(np.arange(n), 3)
    folds = [FoldResult(i, 0, i, n - len(p), p, proba[p]) for i, p in enumerate(parts)]
    return OOFResult(target, np.arange(3), NAMES, 3, 1, tuple(folds))


def ranks(result, data, cell, fold=None):
    """Where the predictions shown of a cell stand among all of that cell."""
    proba, true, predicted = result.oof_proba, *cell
    held = proba.argmax(axis=1) == predicted
    held &= result.target == true
    if fold is not None:
        held &= np.isin(np.arange(len(held)), result.folds[fold].test_index)
    order = np.flatnonzero(held)[np.argsort(-proba[held].max(axis=1), kind="stable")].tolist()
    return sorted(
        order.index(record[0])
        for record in data["records"]
        if tuple(record[2:4]) == cell and fold in {None, record[1]}
    )


@pytest.mark.parametrize("budget", [10**9, 9_000, 3_000])
def test_what_is_shown_of_a_cell_are_its_first_predictions(budget):
    result = many_predictions()
    data = page_data(result, budget=budget)
    assert len(json.dumps(data["records"])) < budget
    lengths = set()
    for cell in [(0, 0), (0, 1), (2, 1)]:
        found = ranks(result, data, cell)
        lengths.add(len([rank for place, rank in enumerate(found) if rank == place]))
        for fold in range(3):
            inside = ranks(result, data, cell, fold)
            assert inside == list(range(len(inside)))
            assert len(inside) >= 6 or budget < 10**9
    assert min(lengths) >= {10**9: 12, 9_000: 12, 3_000: 4}[budget]


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((8, 8), np.uint8),
        ((8, 8, 1), np.float32),
        ((32, 32, 3), np.uint8),
        ((20, 30, 4), np.uint8),
        ((200, 100, 3), np.float64),
        ((100, 300, 4), np.float32),
    ],
)
def test_thumbnails_of_any_images(shape, dtype):
    generator = np.random.default_rng(0)
    low = generator.random((2, *shape)) * 0.2  # dark, but for the second one's upper half
    low[1, : shape[0] // 2] += 0.7
    images = (low * 255).astype(np.uint8) if dtype == np.uint8 else low.astype(dtype)
    thumbnails = Thumbnails(images)
    picture = Image.open(io.BytesIO(base64.b64decode(thumbnails.base64(1))))
    assert Image.MIME[picture.format] == thumbnails.mime
    assert max(picture.size) == min(max(shape[:2]), 64)
    pixels = np.asarray(picture.convert("L"), dtype=float)
    assert pixels[: len(pixels) // 3].mean() > pixels[-len(pixels) // 3 :].mean() + 40
    assert thumbnails.is_pixelated == (max(shape[:2]) <= 32)
    assert thumbnails.url(1) == Thumbnails(images).url(1)


def test_tables_of_mistakes_read_back(written):
    folder, _ = written
    pairs = pd.read_csv(folder / "confused_pairs.csv")
    wrong = pd.read_csv(folder / "mistakes.csv")
    assert pairs["n"].sum() == len(wrong)
    first = pairs.iloc[0]
    samples = [int(sample) for sample in first["examples"].split()]
    found = wrong.set_index("sample").loc[samples]
    assert (found["true"] == first["true"]).all()
    assert (found["mistaken_for"] == first["predicted"]).all()


def test_page_without_images_has_no_pictures(tmp_path):
    write_report(make_result(), tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [tag for tag, _ in page.tags].count("img") == 2  # learning curves and sets
    assert "Most confident mistakes" in page.text
    assert not (tmp_path / "error_by_brightness.csv").exists()


def test_repeats_show_what_is_always_wrong():
    once = make_result()
    again = [replace(fold, index=fold.index + 3, repeat=1) for fold in once.folds]
    twice = replace(once, n_repeats=2, folds=(*once.folds, *again))
    text = Page(render_page(RunTables(twice, IMAGES), [], {})).text
    n_wrong = (once.oof_proba.argmax(axis=1) != once.target).sum()
    assert "Wrong in every repeat" in text
    assert f"All {n_wrong} samples that every repeat gets wrong" in text


@pytest.fixture
def run(tmp_path):
    with RunFolder.open(tmp_path / "run", data=DIGITS, info={"title": "a run"}) as folder:
        result = cross_validate_oof(
            DummyClassifier(strategy="stratified", random_state=0),
            DIGITS.images,
            DIGITS.target,
            cv=KFold(2),
            random_state=3,
            class_names=DIGITS.target_names,
            store=folder,
            holdout=(255 - DIGITS.images, DIGITS.target),
        )
        info = run_info(folder.manifest, result)
        write_report(result, folder.path, images=DIGITS.images, info=info)
    return tmp_path / "run"


def test_page_is_written_again_to_the_letter(run, capsys):
    kept = (run / "fold_metrics.csv").read_bytes()
    assert b"test_split_accuracy" in kept
    page = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").unlink()
    (run / "mistakes.csv").unlink()
    with pytest.raises(SystemExit) as end:
        main([str(run)])
    assert end.value.code == 0
    assert (run / "report.html").read_text(encoding="utf-8") == page
    assert (run / "mistakes.csv").exists()
    assert (run / "fold_metrics.csv").read_bytes() == kept
    assert "report.html" in capsys.readouterr().out


def test_scores_on_the_test_split_of_an_older_run_are_read_from_its_table(run, capsys):
    page = (run / "report.html").read_bytes()
    table = (run / "fold_metrics.csv").read_bytes()
    (run / "fold_metrics.csv").unlink()
    with pytest.raises(SystemExit) as end:
        main([str(run)])
    assert end.value.code == 0  # the labels of the test split are there, and give the scores
    assert (run / "report.html").read_bytes() == page
    (run / "fold_metrics.csv").write_bytes(table)
    as_of_an_older_version(run)
    table = (run / "fold_metrics.csv").read_bytes()
    assert b",fit_time,score_time,error," in table
    (run / "fold_metrics.csv").unlink()
    (run / "test_target.npy").unlink()
    for damaged in (None, table[: len(table) // 2], table[:40], b"row,error,basis\n"):
        if damaged is not None:
            (run / "fold_metrics.csv").write_bytes(damaged)
        with pytest.raises(SystemExit) as end:
            main([str(run)])
        assert end.value.code == 2
        assert "fold_metrics.csv cannot be read" in capsys.readouterr().err
    (run / "fold_metrics.csv").write_bytes(table)
    with pytest.raises(SystemExit) as end:
        main([str(run)])
    assert end.value.code == 0
    # Without labels of the test split, nobody knows on which of its images models differ.
    shared = rb"<(tr|li)>(<th scope=.row.>)?models on the test split.*?</\1>\n"
    assert (run / "report.html").read_bytes() == re.sub(shared, b"", page)


def test_page_of_a_run_takes_no_other_images(run, tmp_path, capsys):
    np.savez(tmp_path / "other.npz", images=IMAGES, labels=np.arange(30) % 3)
    with pytest.raises(SystemExit) as end:
        main([str(run), "--dataset", str(tmp_path / "other.npz")])
    assert end.value.code == 2
    assert "holds other images than the run" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main([str(run), "--no-images"])
    assert end.value.code == 0
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    (picture,) = (attributes for tag, attributes in page.tags if tag == "img")
    assert picture["alt"].startswith("Dot plots by class.")


def test_existing_files_are_replaced(tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_report(make_result(), tmp_path)
    assert "3 of 3 folds" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "figures" / "samples.png").exists()


def test_run_without_any_scored_fold_is_reported(tmp_path):
    paths = write_report(make_result(failed=[0, 1, 2]), tmp_path)
    assert [path.name for path in paths] == ["fold_metrics.csv", "times.csv", "report.html"]
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "0 of 3 folds" in text


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="existing folder"):
        write_report(make_result(), tmp_path / "nowhere")


def test_summary_table():
    table = RunTables(make_result(failed=[1])).timed_folds
    rows = summary_table(table)
    assert rows[0] == ["fold", "accuracy", "macro F1", "log loss", "epochs", "fit time, s"]
    assert rows[2] == ["fold_01", "–", "–", "–", "–", "2.5"]
    mean, std = table.set_index("row").loc[["mean", "std"], "accuracy"]
    assert rows[-2][:2] == ["mean ± std over folds", f"{mean:.4f} ± {std:.4f}"]
    assert rows[-1][0] == "corrected t interval"
    assert len({len(row) for row in rows}) == 1
