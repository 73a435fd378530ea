import copy
import json
import pickle
import warnings

import numpy as np
import optuna
import pytest
from optuna_integration import OptunaSearchCV
from scipy import stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import (
    GridSearchCV,
    ParameterSampler,
    PredefinedSplit,
    RandomizedSearchCV,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from cifar_sk.errors import InputError
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.models import check_network, make_model, set_params
from cifar_sk.runs.manifest import pipeline_description
from cifar_sk.tuning.shipped_spaces import SPACES, augmentation_policy, space_for
from cifar_sk.tuning.spaces import SearchSpace

TOML = """\
classifier__learning_rate = { low = 1e-4, high = 1e-2, log = true }
classifier__dropout = { low = 0.0, high = 0.6, step = 0.1 }
classifier__epochs = { low = 1, high = 9, step = 4 }
classifier__batch_size = [32, 64, 128]          # choices
classifier__widths = [[16, 32], [32, 64, 128]]  # which may be lists
classifier__early_stopping = [true, false]
randomcrop = ["passthrough", "crop:2", "crop:4"]
"""
DATA = {
    "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "classifier__dropout": {"low": 0.0, "high": 0.6, "step": 0.1},
    "classifier__epochs": {"low": 1, "high": 9, "step": 4},
    "classifier__batch_size": [32, 64, 128],
    "classifier__widths": [[16, 32], [32, 64, 128]],
    "classifier__early_stopping": [True, False],
    "randomcrop": ["passthrough", "crop:2", "crop:4"],
}
QUICK = {  # of a pipeline without a network
    "pixels__places": [[9, 10], [20, 21, 22]],
    "classifier__p": {"low": 1.0, "high": 3.0, "log": True},
    "randomcrop": ["passthrough", "crop:1"],
}
TINY = {
    "classifier__hidden_units": [[4], [4, 3]],
    "classifier__learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
    "randomcrop": ["passthrough", "crop:1"],
}


class Pixels(TransformerMixin, BaseEstimator):
    """Some pixels of each image, in a row."""

    def __init__(self, places=None):
        self.places = places

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, self.places]


@pytest.fixture
def quick():
    augmented, _ = make_model("dummy", augment="crop:1").steps
    return Pipeline([augmented, ("pixels", Pixels()), ("classifier", KNeighborsClassifier())])


@pytest.fixture
def space():
    return SearchSpace(DATA)


@pytest.fixture
def tiny():
    given = {"hidden_units": (4,), "epochs": 1, "random_state": 0, "early_stopping": False}
    return set_params(
        make_model("ann", augment="crop:1"),
        {f"classifier__{name}": value for name, value in given.items()},
    )


# --- plain data ---------------------------------------------------------------------------


def test_toml_and_python_say_the_same(space, tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(TOML, encoding="utf-8")
    read = SearchSpace.from_toml(path)
    assert read == space
    assert read.to_dict() == DATA
    assert read.names == tuple(DATA) == tuple(read)
    path.write_text(read.to_toml(), encoding="utf-8")
    assert SearchSpace.from_toml(path) == space


def test_texts_survive_toml(tmp_path):
    texts = {"a__b": ['quote"', "back\\slash", "line\nbreak", "ü €", ""], "a__ü b": [1]}
    path = tmp_path / "space.toml"
    path.write_text(SearchSpace(texts).to_toml(), encoding="utf-8")
    assert SearchSpace.from_toml(path).to_dict() == texts


def test_none_cannot_be_written_as_toml():
    space = SearchSpace({"a__class_weight": [None, "balanced"]})
    with pytest.raises(InputError, match="a__class_weight may be None"):
        space.to_toml()


def test_plain_data_is_json_that_makes_the_space_again(space):
    assert SearchSpace(json.loads(json.dumps(space.to_dict()))) == space
    for copied in (pickle.loads(pickle.dumps(space)), copy.deepcopy(space)):
        assert copied == space
    assert eval(repr(space)) == space


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"low": 0, "high": 0.5}, {"low": 0.0, "high": 0.5, "log": False}),
        ({"low": 1, "high": 4}, {"low": 1, "high": 4, "step": 1}),
        ({"low": 1, "high": 10, "step": 4}, {"low": 1, "high": 9, "step": 4}),
        ({"low": 0, "high": 0.65, "step": 0.1}, {"low": 0, "high": 0.6, "step": 0.1}),
        ([(8, 16), (8,)], [[8, 16], [8]]),
        ([np.int64(3), np.float64(0.5)], [3, 0.5]),
        (np.array([3, 4]), [3, 4]),
    ],
)
def test_equal_spaces_are_the_same_data(one, other):
    one, other = (SearchSpace({"a__b": value}) for value in (one, other))
    assert json.dumps(one.to_dict()) == json.dumps(other.to_dict())


def test_changing_what_was_given_or_got_changes_no_space(space):
    data = copy.deepcopy(DATA)
    made = SearchSpace(data)
    data["classifier__widths"][0].append(7)
    made.to_dict()["classifier__widths"][0].append(7)
    made.decode({"classifier__widths": "[16,32]"})["classifier__widths"].append(7)
    made.param_distributions()["classifier__widths"][0].append(7)
    assert made == space


def test_the_right_of_two_spaces_wins():
    joined = SearchSpace({"a__b": [1], "a__c": [1]}) | SearchSpace({"a__b": [2], "a__d": [3]})
    assert joined.to_dict() == {"a__b": [2], "a__c": [1], "a__d": [3]}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ([1, 2, 3], 3),
        ({"low": 1, "high": 10}, 10),
        ({"low": 1, "high": 10, "log": True}, 10),
        ({"low": 1, "high": 10, "step": 4}, 3),
        ({"low": 0.0, "high": 0.6, "step": 0.1}, 7),
        ({"low": 0.1, "high": 0.7, "step": 0.2}, 4),
        ({"low": 0.0, "high": 1.0}, None),
    ],
)
def test_sizes(value, size):
    space = SearchSpace({"a__b": value, "a__c": [True, False]})
    assert space.size == (None if size is None else 2 * size)
    if size is not None:
        assert len(space.grid()["a__b"]) == size


def test_ranges_are_counted_and_have_a_highest(space):
    assert space.n_ranges == 3
    assert space.highest("classifier__epochs") == 9
    assert space.highest("classifier__batch_size") == 128


# --- malformed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, r"must be a list of choices, such as \[32, 64\], or a table .* got 3"),
        ("relu", "must be a list of choices"),
        (None, "must be a list of choices"),
        ([], "has no choices"),
        ([1, 2, 1], "has 1 twice"),
        ([1, True], "has True twice"),
        ([1, 1.0], r"has 1\.0 twice"),
        ([[1, 2], (1, 2)], r"has \[1, 2\] twice"),
        ([[1, 2], "[1,2]"], r"has '\[1,2\]' twice"),
        ([1, float("nan")], "cannot be chosen as nan"),
        ([[1, float("inf")]], "cannot be chosen as"),
        ([{"momentum": 0.9}], "cannot be chosen as"),
        ([StandardScaler()], "cannot be chosen as StandardScaler"),
        ({}, "has no low; give low and high"),
        ({"low": 1}, "has no high"),
        ({"low": 1, "high": 2, "setp": 1}, "has no 'setp'; did you mean 'step'"),
        ({"low": 2, "high": 2}, "must be below high; got 2 and 2"),
        ({"low": 3, "high": 2}, "must be below high; got 3 and 2"),
        ({"low": 0, "high": 2, "log": True}, "above 0 where log is true; got 0"),
        ({"low": -1.0, "high": 2, "log": True}, "above 0 where log is true"),
        ({"low": 1, "high": 8, "log": True, "step": 2}, "cannot have both log and step"),
        ({"low": 1, "high": 8, "log": "yes"}, "must be true or false; got 'yes'"),
        ({"low": 1, "high": 8, "step": 0}, "step of a__b must be above 0"),
        ({"low": 1, "high": 8, "step": -1}, "step of a__b must be above 0"),
        ({"low": 1, "high": 8, "step": 9}, "fit into the range; got 9"),
        ({"low": 0.0, "high": 1.0, "step": 1e-300}, "step of a__b is too small for the range"),
        ({"low": "1", "high": 8}, "low of a__b must be a finite number; got '1'"),
        ({"low": 1, "high": True}, "high of a__b must be a finite number; got True"),
        ({"low": 0, "high": float("inf")}, "high of a__b must be a finite number; got inf"),
        ({"low": float("nan"), "high": 1}, "low of a__b must be a finite number; got nan"),
        ({"low": 0, "high": 1, "step": "a"}, "step of a__b must be a finite number; got 'a'"),
    ],
)
def test_malformed_entries(value, message):
    with pytest.raises(InputError, match=message) as error:
        SearchSpace({"a__c": [1], "a__b": value})
    assert "a__b" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "maps step__param to choices or a range; got {}"),
        ([1], "maps step__param"),
        ({3: [1]}, "names parameters as step__param; got 3"),
        ({"": [1]}, "names parameters as step__param; got ''"),
        ({"epochs": {"low": 1, "high": 2}}, "epochs is searched as a step .* step__param"),
        ({"epochs": [1, 2]}, "Step 'epochs' must be one augmentation .* got 1"),
        ({"randomcrop": ["crop:2", "crp:4"]}, "unknown augmentation 'crp'; did you mean 'crop'"),
        ({"randomcrop": ["flip"]}, "Step 'randomcrop' must be a RandomCrop; got 'flip'"),
        ({"randomcrop": ["light"]}, "Step 'randomcrop' must be one augmentation"),
        ({"randomcrop": ["none"]}, "'passthrough' to leave it out; got 'none'"),
        ({"randomcrop": ["crop", "crop:4"]}, "randomcrop has 'crop:4' twice"),
        ({"randomcrop": ["crop"], "randomcrop__padding": [1]}, "cannot both be searched"),
    ],
)
def test_malformed_spaces(params, message):
    with pytest.raises(InputError, match=message):
        SearchSpace(params)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a__b = [1", "space.toml' cannot be read as a search space in TOML"),
        (b"a__b = nan_", "space.toml' cannot be read as a search space in TOML"),
        (b"\xff", "space.toml' cannot be read as a search space in TOML"),
        (b"a__b = [1]\na__b = [2]", "space.toml' cannot be read as a search space in TOML"),
        (b"", "space.toml: A search space maps step__param"),
        (b"a__b = []", "space.toml: a__b has no choices"),
        (b"a__b = [2020-01-01]", "space.toml: a__b cannot be chosen as"),
        (b"[classifier]\nepochs = [1, 2]", "space.toml: classifier is searched as a step"),
    ],
)
def test_malformed_files(content, message, tmp_path):
    path = tmp_path / "space.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        SearchSpace.from_toml(path)
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml' cannot be read"):
        SearchSpace.from_toml(tmp_path / "none.toml")


# --- values -------------------------------------------------------------------------------


def test_what_a_trial_suggests_is_stored_and_decoded(space, tmp_path):
    study = optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'study.db'}", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    suggested = []
    for _ in range(20):
        trial = study.ask(space.distributions())
        suggested.append(space.suggest(trial))
        study.tell(trial, 0)
    trials = study.get_trials()
    assert [trial.params for trial in trials] == suggested
    assert {trial.params["classifier__widths"] for trial in trials} == {"[16,32]", "[32,64,128]"}
    assert all(trial.distributions == space.distributions() for trial in trials)
    clean = {round(0.1 * k, 1) for k in range(7)}
    for stored in suggested:
        params = space.decode(stored)
        assert params["classifier__widths"] in ([16, 32], [32, 64, 128])
        assert params["classifier__dropout"] in clean
        assert params["classifier__epochs"] in {1, 5, 9}
        assert space.encode(params) == stored
    assert len({stored["classifier__learning_rate"] for stored in suggested}) == 20


def test_stored_steps_are_those_that_optuna_draws():
    space = SearchSpace({"a__b": {"low": 0.1, "high": 0.7, "step": 0.1}, "a__c": [0]})
    for sampler in (optuna.samplers.TPESampler(seed=0, n_startup_trials=5), None):
        study = optuna.create_study(sampler=sampler)
        study.optimize(lambda trial: space.suggest(trial)["a__b"], n_trials=40)
        assert {trial.params["a__b"] for trial in study.trials} <= set(space.grid()["a__b"])


def test_a_grid_is_run_once_each():
    space = SearchSpace(
        {
            "a__dropout": {"low": 0.0, "high": 0.3, "step": 0.1},
            "a__widths": [[8], [8, 16]],
            "randomcrop": ["passthrough", "crop:2"],
        }
    )
    study = optuna.create_study(sampler=optuna.samplers.GridSampler(space.grid(), seed=0))
    study.optimize(lambda trial: len(space.suggest(trial)))
    decoded = [json.dumps(space.decode(trial.params)) for trial in study.trials]
    assert len(set(decoded)) == len(decoded) == space.size == 16


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"classifier__epoch": 1}, "no 'classifier__epoch' in the search space; did you mean"),
        ({"classifier__epochs": 2}, "classifier__epochs = 2 is not in the search space"),
        ({"classifier__epochs": 13}, "classifier__epochs = 13 is not"),
        ({"classifier__epochs": True}, "classifier__epochs = True is not"),
        ({"classifier__epochs": "1"}, "classifier__epochs = '1' is not"),
        ({"classifier__dropout": 0.15}, r"classifier__dropout = 0\.15 is not"),
        ({"classifier__learning_rate": 1}, "classifier__learning_rate = 1 is not"),
        ({"classifier__learning_rate": float("nan")}, "classifier__learning_rate = nan is not"),
        ({"classifier__batch_size": 16}, r"has \[32, 64, 128\]"),
        ({"classifier__early_stopping": 1}, "classifier__early_stopping = 1 is not"),
        ({"randomcrop": "crop:3"}, "randomcrop = 'crop:3' is not"),
    ],
)
def test_what_lies_outside(space, params, message):
    with pytest.raises(InputError, match=message):
        space.encode(params)
    with pytest.raises(InputError, match=message):
        space.decode(params)


def test_the_pipelines_own_parameters_are_found():
    space = SearchSpace(
        {
            "classifier__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "classifier__dropout": {"low": 0, "high": 0.5, "step": 0.05},
            "classifier__l2": {"low": 0.01, "high": 1},
            "classifier__epochs": {"low": 10, "high": 100},
            "classifier__batch_size": [16.0, 32.0],
            "classifier__widths": [[16, 32], [32, 64, 128]],
            "classifier__kernel_size": [5, 7],
            "classifier__class_weight": [None, "balanced"],
            "classifier__network__depth": [14],
            "randomcrop": ["passthrough", "crop:2", "crop:4"],
            "randomflip": ["flip:vertical"],
            "mixup": ["passthrough", "mixup"],
        }
    )
    pipeline = make_model("cnn", augment="flip,crop,mixup")
    set_params(pipeline, {"mixup": "passthrough"})
    assert space.defaults(pipeline) == {
        "classifier__learning_rate": 1e-3,
        "classifier__dropout": 0.25,
        "classifier__epochs": 50,
        "classifier__batch_size": 32,
        "classifier__widths": "[32,64,128]",
        "classifier__class_weight": None,
        "randomcrop": "crop:4",
        "mixup": "passthrough",
    }
    pipeline.set_params(randomcrop__padding_mode="edge")
    assert "randomcrop" not in space.defaults(pipeline)


def test_defaults_on_a_step_are_the_values_that_optuna_stores():
    space = SearchSpace({"classifier__dropout": {"low": 0.0, "high": 0.6, "step": 0.1}})
    pipeline = set_params(make_model("ann"), {"classifier__dropout": 0.3})
    stored = space.defaults(pipeline)
    assert stored["classifier__dropout"] == space.grid()["classifier__dropout"][3] != 0.3
    assert space.decode(stored) == {"classifier__dropout": 0.3}


# --- checks against a pipeline ------------------------------------------------------------


def test_a_space_that_fits_leaves_the_pipeline_as_it_is(space):
    pipeline = make_model("cnn", augment="crop:4")
    before = pipeline_description(pipeline)
    space.check(pipeline)
    assert pipeline_description(pipeline) == before


def test_all_unknown_names_are_refused_together():
    space = SearchSpace(
        {
            "classifier__epcohs": [1],
            "classifier__epochs": [1],
            "clasifier__epochs": [1],
            "randomzoom": ["passthrough", "zoom:0.1"],
        }
    )
    with pytest.raises(InputError) as error:
        space.check(make_model("ann", augment="crop:4"))
    text = str(error.value)
    assert "'classifier__epcohs'; did you mean 'classifier__epochs'?" in text
    assert "'clasifier__epochs'; did you mean" in text
    assert "'randomzoom' is not in the pipeline: add it to the augmentation policy" in text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"epochs": [0, 1]}, "'epochs' parameter of ANNClassifier"),
        ({"epochs": [1, 2.5]}, r"classifier__epochs of the search space cannot be 2\.5: .*int"),
        ({"validation_fraction": {"low": 0.1, "high": 1.0}}, r"cannot be 1\.0: .*validation_frac"),
        ({"schedule": ["cosine", "cosin"]}, "cannot be 'cosin'"),
        ({"optimizer": ["adam", "adm"]}, "cannot be 'adm': .*did you mean 'adam'"),
        (  # a parameter that only some of the choices have
            {"optimizer": ["sgd", "adam"], "optimizer__momentum": [0.9]},
            "cannot be 'adam': There is no parameter 'classifier__optimizer__momentum'",
        ),
    ],
)
def test_values_that_a_step_refuses(value, message):
    space = SearchSpace({f"classifier__{name}": entry for name, entry in value.items()})
    with pytest.raises(InputError, match=message):
        space.check(make_model("ann"))


def test_a_step_that_is_no_augmentation_cannot_be_searched():
    pipeline = Pipeline([("scale", StandardScaler()), *make_model("dummy").steps])
    with pytest.raises(InputError, match="no parameter 'scale'"):
        SearchSpace({"scale": ["passthrough"]}).check(pipeline)


# --- shipped ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", NETWORKS)
def test_shipped_spaces_fit_their_models_and_hold_their_defaults(model):
    space = space_for(model)
    pipeline = make_model(model)
    space.check(pipeline)
    assert set(space.defaults(pipeline)) == set(space.names)


@pytest.mark.parametrize("model", ["ann", "cnn"])
def test_every_shipped_choice_builds_a_network(model):
    space = space_for(model)
    for name, values in SPACES[model].items():
        for value in values if isinstance(values, list) else [values["low"], values["high"]]:
            check_network(set_params(make_model(model), {name: value}), (32, 32, 3), 10)
    assert space.size is None


def test_the_augmentation_space_makes_its_pipeline():
    space = SearchSpace(SPACES["augmentation"])
    pipeline = make_model("cnn", augment=augmentation_policy(space))
    assert [name for name, _ in pipeline.steps] == [*space.names, "classifier"]
    space.check(pipeline)
    assert set(space.defaults(pipeline)) == set(space.names)
    assert all(choices[0] == "passthrough" for choices in space.operations.values())


def test_policies_are_in_the_order_of_the_space():
    space = SearchSpace(
        {
            "mixup": ["passthrough"],
            "randomcrop": ["crop:2", "crop:4"],
            "classifier__epochs": [1],
            "randomflip": ["passthrough", "flip"],
        }
    )
    assert augmentation_policy(space) == "crop:2,flip"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("dummy", "'dummy' has no network, .* --space FILE.toml"),
        ("logistic", "'logistic' has no network"),
        ("cn", "There is no model 'cn'; did you mean 'cnn'"),
    ],
)
def test_models_without_a_space(model, message):
    with pytest.raises(InputError, match=message):
        space_for(model)


# --- scikit-learn's searches ---------------------------------------------------------------


@pytest.mark.parametrize("listed", ["grid", "param_grid"])
def test_a_grid_needs_countable_values(listed):
    ranges = {"a__b": {"low": 0.0, "high": 1.0}, "a__c": {"low": 1.0, "high": 2, "log": True}}
    with pytest.raises(InputError, match="which a__b, a__c have not; add a step"):
        getattr(SearchSpace({**ranges, "a__d": [1]}), listed)()


def test_what_is_drawn_at_random_is_drawn_as_it_says():
    space = SearchSpace(
        {
            "a__uniform": {"low": 2.0, "high": 4.0},
            "a__log": {"low": 1e-4, "high": 1e-2, "log": True},
            "a__int": {"low": 3, "high": 5},
            "a__log_int": {"low": 1, "high": 100, "log": True},
            "a__int_step": {"low": 1, "high": 10, "step": 4},
            "a__float_step": {"low": 0.0, "high": 0.6, "step": 0.1},
        }
    )
    drawn = list(ParameterSampler(space.param_distributions(), 3000, random_state=0))
    columns = {name: np.array([params[name] for params in drawn]) for name in space.names}
    assert stats.kstest(columns["a__uniform"], stats.uniform(2, 2).cdf).pvalue > 0.01
    logs = np.log10(columns["a__log"])
    assert stats.kstest(logs, stats.uniform(-4, 2).cdf).pvalue > 0.01
    assert set(columns["a__int"]) == {3, 4, 5}
    assert set(columns["a__int_step"]) == {1, 5, 9}
    assert set(columns["a__float_step"]) == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask(space.distributions()).params["a__log_int"] for _ in range(1000)]
    assert stats.ks_2samp(columns["a__log_int"], trials).pvalue > 0.01
    assert {type(params["a__log_int"]) for params in drawn} <= {int, np.int64}


def test_grid_search(tiny, digits):
    X, y = digits[0][:60], digits[1][:60] % 2
    space = SearchSpace({**TINY, "classifier__learning_rate": [1e-2]})
    grid = space.param_grid()
    assert repr(grid["randomcrop"]) == "['passthrough', RandomCrop(padding=1)]"
    one = PredefinedSplit([-1] * 40 + [0] * 20)  # the network is fitted once for each
    search = GridSearchCV(tiny, grid, cv=one, error_score="raise", refit=False).fit(X, y)
    assert len(search.cv_results_["params"]) == space.size == 4
    found = [space.encode(params) for params in search.cv_results_["params"]]
    assert len({json.dumps(stored) for stored in found}) == 4


def test_randomized_search(quick, digits):
    X, y = digits[0][:60], digits[1][:60] % 2
    space = SearchSpace(QUICK)
    search = RandomizedSearchCV(
        quick, space.param_distributions(), n_iter=2, cv=2, random_state=0, error_score="raise"
    ).fit(X, y)
    found = [space.encode(params) for params in search.cv_results_["params"]]
    assert len({stored["classifier__p"] for stored in found}) == 2
    assert search.predict(X).shape == (60,)


# What OptunaSearchCV itself calls, whatever the space.
@pytest.mark.filterwarnings("ignore:`optuna.terminator` module has been deprecated:FutureWarning")
def test_optuna_search(quick, digits):
    X, y = digits[0][:60], digits[1][:60] % 2
    space = SearchSpace(QUICK)
    distributions = space.optuna_distributions()
    assert distributions["pixels__places"].choices == ([9, 10], [20, 21, 22])
    with warnings.catch_warnings():
        # the whole class is marked experimental since Optuna 0.17
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        search = OptunaSearchCV(
            quick, distributions, n_trials=8, cv=2, random_state=0, error_score="raise"
        )
    search.fit(X, y)
    found = [space.encode(trial.params) for trial in search.trials_]
    assert {stored["randomcrop"] for stored in found} == {"passthrough", "crop:1"}
    assert {stored["pixels__places"] for stored in found} == {"[9,10]", "[20,21,22]"}
    assert search.predict(X).shape == (60,)
