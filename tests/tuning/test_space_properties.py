"""Search spaces that Hypothesis draws: encoded, decoded, written and read again."""

import json
import tempfile
from pathlib import Path

import optuna
from hypothesis import assume, given
from hypothesis import strategies as st

from cifar_sk.errors import InputError
from cifar_sk.tuning.spaces import SearchSpace

optuna.logging.set_verbosity(optuna.logging.ERROR)

FLOATS = st.floats(-1e9, 1e9, allow_nan=False, width=64).filter(lambda x: x == 0 or abs(x) > 1e-9)
INTS = st.integers(-(2**40), 2**40)
SCALARS = st.one_of(st.booleans(), INTS, FLOATS, st.text(max_size=8))
CHOICES = st.lists(st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), min_size=1, max_size=5)
NAMES = st.from_regex(r"\A[a-z]{1,5}__[a-z_]{1,8}\Z")


@st.composite
def ranges(draw):
    """Draw a range that a person may write: ints or floats, with a step, log, or neither."""
    kind = draw(st.sampled_from(["plain", "log", "step"]))
    # Steps and where they begin have few digits, as people write them.
    scale = draw(st.sampled_from([1, 1000 if kind == "step" else 7.0]))
    low, width = draw(st.integers(-(10**6), 10**6)), draw(st.integers(1, 10**6))
    table = {"low": low / scale, "high": (low + width) / scale} if scale != 1 else {}
    table = table or {"low": low, "high": low + width}
    if kind == "log":
        assume(low > 0)
        table["log"] = True
    elif kind == "step":
        step = draw(st.integers(max(1, width // 60), width))
        table["step"] = step if scale == 1 else step / scale
    return table


@st.composite
def spaces(draw):
    """Draw a space; what a person may not write, such as a choice twice, is drawn again."""
    params = draw(st.dictionaries(NAMES, st.one_of(ranges(), CHOICES), min_size=1, max_size=4))
    try:
        return SearchSpace(params)
    except InputError:
        assume(False)


def drawn(space, seed):
    """Draw stored values as a study does."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return space.suggest(study.ask())


@given(spaces(), st.integers(0, 2**31))
def test_what_a_study_draws_is_decoded_and_encoded_again(space, seed):
    stored = drawn(space, seed)
    decoded = space.decode(stored)
    again = space.encode(decoded)
    assert space.decode(again) == decoded
    assert list(decoded) == list(space.names)
    for name, value in decoded.items():
        entry = space.to_dict()[name]
        if isinstance(entry, list):
            assert any(same(value, choice) for choice in entry)
        else:
            assert type(value) is type(entry["low"])
            slack = 1e-9 * max(abs(entry["low"]), abs(entry["high"]))
            assert entry["low"] - slack <= value <= entry["high"] + slack


def same(one, other):
    """Compare with types, for 1, 1.0 and True are three choices."""
    return json.dumps(one) == json.dumps(other)


@given(spaces())
def test_every_value_that_can_be_listed_is_decoded_and_encoded_to_itself(space):
    for name, size in ((name, SearchSpace({name: space.to_dict()[name]}).size) for name in space):
        if size is not None and size <= 200:
            one = SearchSpace({name: space.to_dict()[name]})
            listed = one.grid()[name]
            assert len(listed) == size
            for stored in listed:
                value = one.decode({name: stored})
                assert one.encode(value) == {name: stored}
            natives = [one.decode({name: stored})[name] for stored in listed]
            assert len({json.dumps(value) for value in natives}) == size


@given(spaces())
def test_a_space_is_the_same_after_a_way_through_toml_and_json(space):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "space.toml")
        path.write_text(space.to_toml(), encoding="utf-8")
        read = SearchSpace.from_toml(path)
    assert read == space
    assert json.dumps(read.to_dict()) == json.dumps(space.to_dict())
    assert SearchSpace(json.loads(json.dumps(space.to_dict()))) == space


ANYTHING = st.recursive(
    st.one_of(st.none(), SCALARS, st.floats(), st.binary(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["low", "high", "step", "log", "x"]), inner, max_size=4),
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.one_of(NAMES, st.text(max_size=4)), ANYTHING, max_size=3))
def test_anything_is_a_space_or_an_input_error(params):
    try:
        space = SearchSpace(params)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  (both ends are right)
    else:
        space.decode(drawn(space, 0))
        SearchSpace(space.to_dict())


@given(st.text(max_size=60))
def test_any_text_is_a_toml_space_or_an_input_error(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "space.toml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            SearchSpace.from_toml(path)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
