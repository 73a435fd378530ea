"""Parameters, spaces and groups on file or on the command line that nobody would write."""

import json
import os
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import load_groups
from cifar_sk.pipelines.models import make_model, parse_assignments, set_params
from cifar_sk.pipelines.tuned import read_tuned
from cifar_sk.tuning.spaces import SearchSpace

READERS = {
    "params.json": lambda path: set_params(make_model("dummy"), read_tuned(path).params),
    "space.toml": SearchSpace.from_toml,
    "groups.csv": lambda path: load_groups(path, 3),
}


def refused(read, *arguments, match):
    start = time.monotonic()
    with pytest.raises(InputError, match=match) as caught:
        read(*arguments)
    assert len(str(caught.value)) < 1_100
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "large", "binary", "none"])
def test_a_file_of_another_kind_is_refused(tmp_path, name, kind):
    path = tmp_path / name
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(10**11)
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 9)
    words = {"device": "device", "pipe": "device", "folder": "folder", "large": "at most .* MB"}
    refused(READERS[name], path, match=rf"{name}'.*({words.get(kind, 'cannot be read')})")


DEEP = "[" * 50 + "]" * 50


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("params.json", "[" * 100_000, "recursion"),
        ("params.json", f'{{"classifier__constant": {DEEP}}}', "at most 20 lists in lists"),
        ("params.json", json.dumps({f"a{k}__b": k for k in range(20_000)}), "19,995 more"),
        ("params.json", json.dumps({"x" * 1_400_000: 1}), "no parameter 'xxx"),
        ("params.json", '{"a__b": ' + "9" * 5_000 + "}", "4300"),
        ("space.toml", "a__b = " + "[" * 100_000, "recursion"),
        ("space.toml", f"a__b = {DEEP}", "at most 20 lists in lists"),
        ("space.toml", f"a__b = [{'x' * 100_000}]", "Invalid value"),
        ("groups.csv", "x" * 1_000_000, "must name a group for each"),
        ("groups.csv", ",".join(f"a{k}" for k in range(3_000)), "no column 'group'"),
        ("groups.csv", 'group\n"' + "a\n" * 10, "EOF inside string"),
    ],
)
def test_a_file_that_is_too_much_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    refused(READERS[name], tmp_path / name, match=message)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (f"classifier__constant={DEEP}", "at most 20 lists in lists"),
        ("x" * 1_000_000, "step__param=value"),
        ("x" * 1_000_000 + "=1", "no parameter"),
    ],
)
def test_an_assignment_that_is_too_much_is_refused(assignment, message):
    def assign(text):
        set_params(make_model("dummy"), parse_assignments([text]))

    refused(assign, assignment, match=message)


def test_a_file_of_a_windows_editor_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"classifier__constant": 1}\r\n')
    assert read_tuned(tmp_path / "a.json").params == {"classifier__constant": 1}


finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
names = st.from_regex(r"[a-z]{1,8}__[a-z_]{1,12}", fullmatch=True)


@given(names, values)
def test_values_are_read_as_they_are_written(name, value):
    assert parse_assignments([f"{name}={json.dumps(value)}"]) == {name: value}
    assert parse_assignments([f" {name} = {value!r}"]) == {name: value}


@given(st.lists(st.text(), max_size=3))
@example(["a__b=" + "9" * 5_000])
@example(["a__b=" + "{" * 5_000])
@example(["a__b=\0"])
@example(["a__b=1e999999999"])
def test_any_text_is_parameters_or_a_sentence(assignments):
    try:
        assert isinstance(parse_assignments(assignments), dict)
    except InputError as error:
        assert "step__param=value" in str(error)  # noqa: PT017
