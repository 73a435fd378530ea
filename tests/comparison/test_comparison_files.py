"""The comparison's files, page and figures."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from browser import running_browser
from made_runs import made_run

from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.displays.comparison_displays import (
    CriticalDifferenceDisplay,
    DifferencesDisplay,
    FoldScoresDisplay,
    PosteriorDisplay,
)
from cifar_sk.errors import InputError
from cifar_sk.reports.comparison.files import write_comparison
from cifar_sk.reports.comparison.rows import comparison_tables

SHARES = {
    "ann<b>_with_a_long_name_that_has_no_space_to_break_at": [0.50, 0.52, 0.51, 0.49, 0.50],
    "cnn|net": [0.64, 0.67, 0.655, 0.63, 0.65],
    "vgg": [0.635, 0.68, 0.645, 0.635, 0.66],
}
NAMES = ("<script>alert(1)</script>", 'b & "c"', "_true_", "NA")


def comparison(n_runs):
    runs = [
        made_run(
            name,
            shares,
            n_test=60,
            draw=draw,
            data={"class_names": NAMES},
            title="A <run>",
            command="x | y",
        )
        for draw, (name, shares) in enumerate(list(SHARES.items())[:n_runs])
    ]
    return compare_runs(runs, n_resamples=100)


@pytest.fixture(scope="module")
def two():
    return comparison(2)


@pytest.fixture(scope="module")
def three():
    return comparison(3)


class Page(HTMLParser):
    """Tags with their attributes, and all text outside the style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & {*self.open}:
            self.text += data


@pytest.fixture(scope="module")
def written(two, tmp_path_factory):
    """The folder of the comparison of two runs; not to be changed."""
    folder = tmp_path_factory.mktemp("written")
    write_comparison(two, folder)
    return folder


def test_files_of_two_runs_hold_what_was_computed(two, written):
    names = {str(file.relative_to(written)) for file in written.rglob("*") if file.is_file()}
    tables = ("comparison", "tests", "costs", "mcnemar", "class_differences")
    tables += ("outcomes", "only_one_right")
    figures = ("fold_scores", "posterior", "metric_differences", "class_differences", "outcomes")
    assert names == {
        *(f"{table}.csv" for table in tables),
        *(f"figures/{figure}.png" for figure in figures),
        "comparison.md",
        "comparison.html",
    }
    read = pd.read_csv(written / "comparison.csv").fillna({"same_test_as": ""})
    pd.testing.assert_frame_equal(read, two.metrics, check_dtype=False)
    read = pd.read_csv(written / "tests.csv", dtype={"repeat": "Int64"})
    pd.testing.assert_frame_equal(read, two.tests, check_dtype=False)
    only = pd.read_csv(written / "only_one_right.csv", keep_default_na=False)
    assert only["true"].tolist() == two.pair.only_one_right["true"].tolist()


def test_no_probability_is_written_as_0_or_1(two, three):
    heads = {"bayesian": "probability", "tests": "P(", "pairs": "P("}
    found = []
    for table in [*comparison_tables(two), *comparison_tables(three)]:
        headings, *rows = table.rows
        head = heads.get(table.name, "no such")
        places = [k for k, heading in enumerate(headings) if heading.startswith(head)]
        found += [part for row in rows for k in places for part in row[k].split(" / ")]
    assert {"> 0.9999", "< 0.0001", "> 0.999", "< 0.001"} < set(found)
    assert not {"0.0000", "1.0000", "0.000", "1.000"} & set(found)


def test_the_same_runs_give_the_same_bytes(two, written, tmp_path):
    for file in write_comparison(two, tmp_path):
        assert file.read_bytes() == (written / file.relative_to(tmp_path)).read_bytes()


def test_another_comparison_leaves_nothing_of_the_first(two, three, tmp_path):
    write_comparison(two, tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    write_comparison(three, tmp_path)
    names = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert names == {
        "mine.txt",
        *("comparison.csv", "tests.csv", "costs.csv", "ranking.csv", "pairs.csv"),
        *("comparison.md", "comparison.html"),
        *("figures/critical_difference.png", "figures/fold_scores.png"),
    }


def test_the_page_loads_nothing_and_escapes_names(two, written):
    write_comparison(two, written)
    text = (written / "comparison.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert not {"link", "iframe", "b"} & {tag for tag, _ in page.tags}
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{}]
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 5
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert all(image["alt"] for image in images)
    labelled = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert set(labelled) <= set(ids)
    assert len(ids) == len(set(ids))
    for text in (f"{two.names[0]} against cnn|net", NAMES[0], "A <run>, seed 0", *conclusion(two)):
        assert text in page.text


@pytest.fixture(scope="module")
def browser_tab(tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


def test_the_page_shows_images_that_only_one_run_gets_right(two, browser_tab, tmp_path):
    n = len(two.runs[0].result.target)
    # The brightness of an image says which sample it is.
    images = (np.arange(n) % 250).astype(np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    write_comparison(two, tmp_path, images=images)
    tab = browser_tab
    tab.open(tmp_path / "comparison.html", width=390)
    for place, name in enumerate(two.names):
        tiles = tab.evaluate(
            f"[...document.querySelectorAll('#only-{place} ~ .tiles .tile')].map(tile => {{"
            "const c = document.createElement('canvas'); c.width = c.height = 4;"
            "c.getContext('2d').drawImage(tile.querySelector('img'), 0, 0);"
            "return [tile.innerText, c.getContext('2d').getImageData(1, 1, 1, 1).data[0]]; })"
        )
        rows = two.pair.only_one_right.set_index("sample")
        assert len(tiles) == 12
        for text, level in tiles:
            sample = int(text.split()[1])
            assert level == pytest.approx(int(images[sample, 0, 0]), abs=1)
            assert rows.loc[sample, "right"] == name
            assert f"true {rows.loc[sample, 'true']}" in text
    # Texts that begin with numbers sort as numbers; a click, then the key, as for a run.
    column = "[...document.querySelectorAll('section[aria-labelledby=classes] tbody tr')]"
    column += ".map(row => Number.parseFloat(row.cells[3].innerText.replace('−', '-')))"
    before = tab.evaluate(column)
    tab.click("section[aria-labelledby=classes] th:nth-child(4) button")
    assert tab.evaluate(column) == sorted(before)
    tab.press("Enter")
    assert tab.evaluate(column) == sorted(before, reverse=True)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.problems == []
    assert tab.requests == [(tmp_path / "comparison.html").resolve().as_uri()]
    with pytest.raises(InputError, match="for 300 samples"):
        write_comparison(two, tmp_path, images=images[1:])


@pytest.mark.parametrize(
    ("texts", "ascending"),
    [
        (["0.5 ± 0.1", "–", "0.45 ± 0.3"], ["0.45 ± 0.3", "0.5 ± 0.1", "–"]),
        (["0.02", "< 0.0001", "−0.3", "+0.1"], ["−0.3", "< 0.0001", "0.02", "+0.1"]),
        (["1,234", "99", "5 %"], ["5 %", "99", "1,234"]),
        (["2026-03-05-ann", "2026-01-02-cnn"], ["2026-01-02-cnn", "2026-03-05-ann"]),
        (["3x3", "10x10", "1e5ab"], ["1e5ab", "3x3", "10x10"]),
    ],
)
def test_columns_sort_as_what_they_hold(browser_tab, tmp_path, texts, ascending):
    rows = "".join(f"<tr><td>{html.escape(text)}</td></tr>" for text in texts)
    script = (files("cifar_sk.reports") / "templates/tables.js").read_text(encoding="utf-8")
    page = tmp_path / "table.html"
    page.write_text(
        f'<meta charset="utf-8"><table class="sortable"><thead><tr><th>x</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><script>{script}</script>",
        encoding="utf-8",
    )
    browser_tab.open(page)
    column = "[...document.querySelectorAll('td')].map(cell => cell.innerText)"
    browser_tab.click("button")
    assert browser_tab.evaluate(column) == ascending
    browser_tab.click("button")
    missing = [text for text in ascending if text == "–"]
    expected = [text for text in ascending[::-1] if text != "–"] + missing
    assert browser_tab.evaluate(column) == expected


def test_the_page_of_several_runs_has_ranking_and_pairs(three, tmp_path):
    write_comparison(three, tmp_path)
    page = Page((tmp_path / "comparison.html").read_text(encoding="utf-8"))
    for text in ("Ranking", "Pairs", "no Friedman or Nemenyi test", *conclusion(three)):
        assert text in page.text


def test_markdown_tables_are_whole(two, written):
    write_comparison(two, written)
    lines = (written / "comparison.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ann\\<b\\>\\_with")
    assert lines[0].endswith(" against cnn\\|net")
    rows = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    heads = [place for place, row in enumerate(rows) if row.startswith("|---")]
    assert len(heads) == 7
    for place, row in enumerate(rows):
        head = max((h for h in heads if h <= place + 1), default=0)
        assert row.count("|") == rows[head].count("|")
    assert any(line.startswith("| \\<script\\>alert(1)\\</script\\> |") for line in lines)
    linked = [line.split("(")[-1].rstrip(")") for line in lines if line.startswith("![")]
    assert all((written / figure).is_file() for figure in linked)


def test_a_folder_that_is_none_is_refused(two, tmp_path):
    with pytest.raises(InputError, match="must be an existing folder"):
        write_comparison(two, tmp_path / "missing")


# --- displays -----------------------------------------------------------------------------


def test_displays_draw_their_numbers(two):
    folds = FoldScoresDisplay(two.scores, "accuracy").plot()
    drawn = np.array([line.get_ydata() for line in folds.ax_.lines])
    np.testing.assert_array_equal(drawn[:5], two.scores)
    np.testing.assert_allclose(drawn[5], two.scores.mean())
    posterior = PosteriorDisplay(two.pair.posterior, 0.01, two.names, "accuracy").plot()
    curve = posterior.ax_.lines[1]
    area = np.trapezoid(curve.get_ydata(), curve.get_xdata())
    assert area == pytest.approx(1, abs=0.02)
    assert posterior.frame()["probability"].sum() == pytest.approx(1)


def test_filled_differences_are_those_whose_interval_leaves_out_zero():
    table = pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "difference": [0.1, 0.0, -0.2],
            "low": [0.05, -0.1, np.nan],
            "high": [0.2, 0.1, np.nan],
        }
    )
    display = DifferencesDisplay(table, ["x", "y"], title="t", unit="F1").plot()
    _, filled, empty = display.ax_.lines
    assert filled.get_ydata().tolist() == [0]
    assert empty.get_ydata().tolist() == [1, 2]


def test_bars_have_dots_only_at_their_own_runs(three):
    display = CriticalDifferenceDisplay(three.ranking, "accuracy").plot()
    order = three.ranking.table["run"].tolist()
    groups = [tuple(order[int(row)] for row in line.get_ydata()) for line in display.ax_.lines[1:]]
    assert groups == [group for group in three.ranking.cliques if len(group) > 1]
    shown = display.ax_.lines[0].get_xdata()
    np.testing.assert_allclose(shown, three.ranking.table["mean_rank"])
