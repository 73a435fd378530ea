"""The files of a report: complete, escaped, reproducible."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cifar_sk.errors import InputError
from cifar_sk.metrics import fold_metrics, oof_predictions
from cifar_sk.predictions import FoldResult, OOFResult
from cifar_sk.report import summary_table, write_report

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
INFO = {"title": "A <run>", "fallback": "Digits & nothing else.", "versions": {"keras": "3.15.1"}}


class Page(HTMLParser):
    """Tags with their attributes, and all text outside the style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
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
        "confusion_matrix.csv",
        "confusion_matrix_fold_00.csv",
        "confusion_matrix_fold_02.csv",
        "confusion_matrix_normalized.csv",
        "confusion_matrix_normalized_fold_00.csv",
        "confusion_matrix_normalized_fold_02.csv",
        "figures/class_scores.png",
        "figures/confident_mistakes.png",
        "figures/confusion_matrix.png",
        "figures/confusion_matrix_fold_00.png",
        "figures/confusion_matrix_fold_02.png",
        "figures/confusion_matrix_normalized.png",
        "figures/learning_curves.png",
        "figures/reliability.png",
        "figures/samples.png",
        "fold_metrics.csv",
        "oof_predictions.csv",
        "report.html",
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
    assert "script" not in {tag for tag, _ in page.tags}
    for text in [*NAMES, "A <run>", "<b>OOM</b>", "Digits & nothing else.", "keras 3.15.1"]:
        assert text in page.text
    assert "2 of 3 folds" in page.text
    assert "not a standard error" in page.text


def test_page_loads_nothing_and_every_image_has_a_description(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 7  # the folds' own matrices are files only
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert all(len(image["alt"]) > 20 for image in images)
    assert not {"link", "script", "iframe"} & {tag for tag, _ in page.tags}


def test_existing_files_are_replaced(tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_report(make_result(), tmp_path)
    assert "3 of 3 folds" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "figures" / "samples.png").exists()


def test_run_without_any_scored_fold_is_reported(tmp_path):
    paths = write_report(make_result(failed=[0, 1, 2]), tmp_path)
    assert [path.name for path in paths] == ["fold_metrics.csv", "report.html"]
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "0 of 3 folds" in text


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="existing folder"):
        write_report(make_result(), tmp_path / "nowhere")


def test_summary_table():
    table = fold_metrics(make_result(failed=[1]))
    rows = summary_table(table)
    assert rows[0] == ["fold", "accuracy", "macro F1", "log loss", "epochs", "fit time, s"]
    assert rows[2] == ["fold_01", "–", "–", "–", "–", "2.5"]
    mean, std = table.set_index("row").loc[["mean", "std"], "accuracy"]
    assert rows[-2][:2] == ["mean ± std over folds", f"{mean:.4f} ± {std:.4f}"]
    assert rows[-1][0] == "95 % interval (Nadeau–Bengio)"
    assert len({len(row) for row in rows}) == 1
