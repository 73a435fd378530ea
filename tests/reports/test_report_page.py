"""The report page in a real browser: clicks, keys, sorting, widths; and that it can be read."""

import re
from importlib.resources import files

import numpy as np
import pytest
from browser import running_browser

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.reports.run.figures import draw_figures
from cifar_sk.reports.run.page import render_page
from cifar_sk.reports.run.tables import RunTables

NAMES = ("cat </script><b>", 'dog "&', "frog")
N = 90
CSS = (files("cifar_sk.reports") / "templates/report.css").read_text(encoding="utf-8")


def make_result():
    generator = np.random.default_rng(0)
    target = np.arange(N) % 3
    proba = generator.dirichlet(np.ones(3), N) + 0.3 * np.eye(3)[target]
    proba /= proba.sum(axis=1, keepdims=True)
    folds = tuple(
        FoldResult(i, 0, i, N - 30, part, proba[part], fit_time=[3.0, 10.0, 2.0][i])
        for i, part in enumerate(np.array_split(generator.permutation(N), 3))
    )
    folds += (FoldResult(3, 0, 3, N - 30, np.arange(5), error="out of memory"),)
    return OOFResult(target, np.arange(3), NAMES, 4, 1, folds)


RESULT = make_result()
# The brightness of an image says which sample it is.
IMAGES = np.repeat(np.arange(N, dtype=np.uint8) * 2 + 20, 64).reshape(N, 8, 8)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    info = {"title": "A <run>", "fallback": "Made up."}
    page = render_page(RunTables(RESULT, IMAGES), draw_figures(RunTables(RESULT)), info)
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.fixture
def opened(tab, page):
    tab.open(page)
    yield tab
    assert tab.problems == []  # the console said nothing
    assert tab.requests == [page.resolve().as_uri()]  # and nothing else was asked for


def expected_samples(true, predicted, fold=None):
    """Samples of a cell, most confident first."""
    rows = [
        (-row.max(), sample)
        for part in RESULT.scored
        if fold in {None, part.index}
        for sample, row in zip(part.test_index.tolist(), part.proba, strict=True)
        if RESULT.target[sample] == true and row.argmax() == predicted
    ]
    return [sample for _, sample in sorted(rows)]


def shown_samples(tab):
    texts = tab.evaluate(
        "[...document.querySelectorAll('#cell-tiles .tile')].map(t => t.innerText)"
    )
    return [int(re.search(r"sample (\d+)", text).group(1)) for text in texts]


def cell(row, column):
    return f"#matrix tbody tr:nth-child({row + 1}) td:nth-child({column + 2})"


def column_of(tab, table, place):
    rows = f"[...document.querySelectorAll('{table} tbody tr')]"
    return tab.evaluate(f"{rows}.map(row => row.cells[{place}].innerText)")


@pytest.mark.parametrize(("row", "column"), [(0, 1), (2, 0), (1, 1)])
def test_a_click_on_a_cell_shows_its_images(opened, row, column):
    opened.click(cell(row, column))
    expected = expected_samples(row, column)
    shown = shown_samples(opened)
    assert shown == expected[:12]
    assert len(shown) > 1
    tiles = opened.evaluate(
        "[...document.querySelectorAll('#cell-tiles .tile')].map(t => t.innerText)"
    )
    for sample, text in zip(shown, tiles, strict=True):
        part = next(fold for fold in RESULT.scored if sample in fold.test_index)
        proba = part.proba[part.test_index.tolist().index(sample)]
        assert f"true {NAMES[row]}" in text
        assert f"predicted {NAMES[column]}" in text
        assert f"fold_{part.index:02d}" in text
        for label, value in enumerate(proba):
            line = text[text.index("predicted") :].split(NAMES[label])[-1]
            assert float(line.split("%")[0]) == pytest.approx(100 * value, abs=0.051)
    note = opened.evaluate("document.getElementById('cell-note').innerText")
    count = "All" if len(expected) == len(shown) else f"{len(shown)} of"
    assert note.startswith(f"{count} {len(expected)} predictions in all folds")


def test_the_images_shown_are_those_of_the_samples(opened):
    opened.click(cell(0, 1))
    levels = opened.evaluate(
        "[...document.querySelectorAll('#cell-tiles img')].map(image => {"
        "const c = document.createElement('canvas'); c.width = c.height = 8;"
        "c.getContext('2d').drawImage(image, 0, 0);"
        "return c.getContext('2d').getImageData(4, 4, 1, 1).data[0]; })"
    )
    shown = shown_samples(opened)
    assert len(levels) == len(shown)
    assert np.abs(np.array(levels) - IMAGES[shown, 4, 4]).max() <= 1  # WebP keeps grey to 1 of 255
    assert (
        opened.evaluate("document.querySelector('#cell-tiles img').className") == "thumb pixelated"
    )


def test_counts_rates_and_folds(opened):
    opened.click("input[value=rates]")
    cells = np.array(
        opened.evaluate(
            "[...document.querySelectorAll('#matrix td')].map(cell => Number(cell.innerText))"
        )
    ).reshape(3, 3)
    counts = np.array([[len(expected_samples(r, c)) for c in range(3)] for r in range(3)])
    np.testing.assert_allclose(cells, 100 * counts / counts.sum(axis=1, keepdims=True), atol=0.05)
    opened.click("input[value=counts]")
    opened.evaluate(
        "(() => { const s = document.getElementById('matrix-fold'); s.value = '2';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    cells = opened.evaluate("[...document.querySelectorAll('#matrix td')].map(c => +c.innerText)")
    expected = [len(expected_samples(r, c, fold=1)) for r in range(3) for c in range(3)]
    assert cells == expected
    opened.click(cell(2, 2))
    expected = expected_samples(2, 2, fold=1)
    shown = shown_samples(opened)
    assert len(shown) >= 6
    assert shown == expected[: len(shown)]
    note = opened.evaluate("document.getElementById('cell-note').innerText")
    assert note.startswith(f"{len(shown)} of {len(expected)} predictions in fold_01")


def test_the_most_frequent_confusion_is_open_at_first(opened):
    counts = {(r, c): len(expected_samples(r, c)) for r in range(3) for c in range(3) if r != c}
    row, column = max(counts, key=counts.get)
    assert shown_samples(opened) == expected_samples(row, column)[:12]
    selected = opened.evaluate("document.querySelectorAll('#matrix [aria-selected=true]').length")
    assert selected == 1


def test_the_matrix_works_by_keyboard(opened):
    for _ in range(60):
        opened.press("Tab")
        if opened.evaluate("document.activeElement.closest('#matrix') !== null"):
            break
    opened.press("Home")
    for key in ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowRight", "ArrowRight"]:
        opened.press(key)
    active = "document.activeElement"
    assert opened.evaluate(f"[{active}.parentNode.rowIndex, {active}.cellIndex]") == [2, 3]
    opened.press("Enter")
    assert shown_samples(opened) == expected_samples(1, 2)[:12]
    opened.press("End")
    opened.press("ArrowRight")  # there is no further column
    opened.press("ArrowDown")
    opened.press(" ")
    assert shown_samples(opened) == expected_samples(2, 2)[:12]
    assert opened.evaluate("document.querySelectorAll('#matrix td[tabindex=\"0\"]').length") == 1
    assert opened.evaluate("document.querySelectorAll('#matrix td[tabindex=\"-1\"]').length") == 8


def test_sorting_is_by_number_and_the_failed_fold_stays_last(opened):
    folds = "section[aria-labelledby=folds]"
    place = opened.evaluate(
        f"[...document.querySelectorAll('{folds} th[scope=col]')]"
        ".findIndex(th => th.innerText.startsWith('fit time'))"
    )
    heading = f"{folds} th:nth-child({place + 1})"
    sort = f"document.querySelector('{heading}').getAttribute('aria-sort')"
    assert column_of(opened, folds, place) == ["3.0", "10.0", "2.0", "–"]
    opened.click(f"{heading} button")
    assert opened.evaluate(sort) == "ascending"
    assert column_of(opened, folds, place) == ["2.0", "3.0", "10.0", "–"]
    opened.press("Enter")  # the button has the focus
    assert opened.evaluate(sort) == "descending"
    assert column_of(opened, folds, place) == ["10.0", "3.0", "2.0", "–"]
    opened.click(f"{folds} th:nth-child(1) button")
    assert opened.evaluate(sort) is None
    assert column_of(opened, folds, 0) == ["fold_00", "fold_01", "fold_02", "fold_03"]


def test_names_are_text_everywhere(opened):
    assert opened.evaluate("document.querySelectorAll('main b').length") == 0
    opened.click(cell(0, 1))
    assert opened.evaluate("document.getElementById('cell-title').innerText") == (
        f"{NAMES[0]} taken for {NAMES[1]}"
    )
    assert opened.evaluate("document.querySelectorAll('main b').length") == 0


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_width_scrolls_sideways(tab, page, width):
    tab.open(page, width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_dark_mode_and_print_have_their_colours(tab, page):
    style = "getComputedStyle(document.body)"
    colours = f"[{style}.color, {style}.backgroundColor]"
    tab.open(page)
    light = tab.evaluate(colours)
    tab.open(page, media={"prefers-color-scheme": "dark"})
    dark = tab.evaluate(colours)
    assert light[1] == "rgb(255, 255, 255)" != dark[1]
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert tab.evaluate(
        "getComputedStyle(document.getElementById('matrix-controls')).display"
    ) == ("none")
    tab.call("Emulation.setEmulatedMedia", media="")


def test_without_javascript_everything_static_is_there(tab, page):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(page)
        root = tab.call("DOM.getDocument")["root"]["nodeId"]

        def number_of(selector):
            return len(tab.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])

        assert number_of("#matrix td") == 9
        assert number_of("button") == 0
        assert number_of("#matrix-controls[hidden], #cell[hidden]") == 2
        assert number_of("#confident ~ .tiles .tile img") > 3
        assert tab.problems == []
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


# Contrast -------------------------------------------------------------------------------------


def colours(block):
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))


def schemes():
    """The custom properties of the light, the dark and the printed page."""
    light = colours(CSS[: CSS.index("@media")])
    dark = CSS[CSS.index("@media (prefers-color-scheme: dark)") :]
    dark = colours(dark[: dark.index("\n}")])
    printed = colours(CSS[CSS.index("@media print") :])
    assert len(light) > 20
    assert set(dark) < set(light)
    assert set(printed) < set(light)
    return {
        "light": light,
        "dark": light | dark,
        "print": light | printed,
        "print from a dark screen": light | dark | printed,
    }


def luminance(colour):
    """WCAG 2.2's relative luminance."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(scheme, first, second):
    found = []
    for name in (first, second):
        value = scheme[name]
        while value.startswith("var("):
            value = scheme[value[6:-1]]
        found.append(luminance(value))
    return (max(found) + 0.05) / (min(found) + 0.05)


def test_contrast_is_computed_as_wcag_has_it():
    scheme = {"a": "#000", "b": "#ffffff", "c": "#777777"}
    assert contrast(scheme, "a", "b") == pytest.approx(21)
    assert contrast(scheme, "c", "b") == pytest.approx(4.48, abs=0.005)  # WebAIM's example


@pytest.mark.parametrize("name", schemes())
def test_text_and_marks_can_be_read(name):
    scheme = schemes()[name]
    text = [
        (ink, ground) for ink in ("ink", "muted", "good", "bad") for ground in ("page", "card")
    ]
    text += [("ink", "alert")]
    text += [(f"on-{k}", f"{kind}-{k}") for kind in ("right", "wrong") for k in range(1, 6)]
    ratios = {pair: contrast(scheme, *pair) for pair in text}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
    marks = [("bar", "page"), ("good", "track"), ("bad", "track"), ("muted", "track")]
    marks += [("bar", "track"), ("focus", "page"), ("alert-line", "page")]
    ratios = {pair: contrast(scheme, *pair) for pair in marks}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 3} == {}
