import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cifar_sk.errors import InputError
from cifar_sk.evaluation import cross_validate_oof
from cifar_sk.folds.steps import check_saveable
from cifar_sk.networks import NETWORKS
from cifar_sk.pipelines.models import (
    check_network,
    make_model,
    model_names,
    parse_assignments,
    set_params,
)
from cifar_sk.pipelines.tuned import read_tuned
from cifar_sk.runs.manifest import pipeline_description


@pytest.mark.parametrize("name", model_names())
def test_every_model_is_a_pipeline_that_clones(name):
    pipeline = make_model(name)
    assert [step for step, _ in pipeline.steps] == ["classifier"]
    assert pipeline_description(clone(pipeline)) == pipeline_description(pipeline)


def test_models_are_the_networks_and_the_baselines():
    assert set(model_names()) == {*NETWORKS, "dummy", "logistic"}
    assert all(network.summary for network in NETWORKS.values())


def test_networks_bring_their_recipe():
    params = make_model("vgg").get_params()
    for name, value in NETWORKS["vgg"].recipe.items():
        assert params[f"classifier__{name}"] == value


@pytest.mark.parametrize("name", ["dummy", "logistic"])
def test_baselines_fit_images(name, digits):
    X, y = digits
    pipeline = make_model(name).fit(X[:300], y[:300])
    accuracy = (pipeline.predict(X[300:]) == y[300:]).mean()
    assert accuracy > 0.8 if name == "logistic" else accuracy < 0.3


@pytest.mark.parametrize(
    ("resample", "counts"),
    [("oversample", [20, 20]), ("undersample", [8, 8]), ("smote", [20, 20])],
)
def test_resampling_comes_before_augmentation(resample, counts):
    pipeline = make_model("dummy", augment="flip", resample=resample)
    assert [name for name, _ in pipeline.steps] == ["imageresampler", "randomflip", "classifier"]
    X = np.random.default_rng(0).integers(0, 256, (28, 4, 4, 3), dtype=np.uint8)
    y = np.repeat([0, 1], [20, 8])
    _, resampled = pipeline[0].fit_resample(X, y)
    assert np.bincount(resampled).tolist() == counts
    assert pipeline.fit(X, y).predict_proba(X[:1]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "cn"}, "no model 'cn'; did you mean 'cnn'"),
        ({"name": "zzz"}, "no model 'zzz'; known: ann, cnn"),
        ({"name": "dummy", "augment": "flap"}, "unknown augmentation 'flap'; did you mean 'flip'"),
        ({"name": "dummy", "resample": "smte"}, "no resampling 'smte'; did you mean 'smote'"),
    ],
)
def test_unknown_names(options, message):
    with pytest.raises(InputError, match=message):
        make_model(**options)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("null", None),
        ("None", None),
        ("(8,)", (8,)),
        ("[8, 16]", [8, 16]),
        ('{"0": 2}', {"0": 2}),
        ("gelu", "gelu"),
        ('"3"', "3"),
        ("", ""),
        ("a=b", "a=b"),
        ("08", "08"),
        ("{[]: 1}", "{[]: 1}"),
        ("[" * 100_000, "[" * 100_000),
        ("__import__('os').getcwd()", "__import__('os').getcwd()"),
    ],
)
def test_values_are_json_or_literals_or_text(text, value):
    assert parse_assignments([f" a__b = {text} "]) == {"a__b": value}


def test_the_last_of_equal_assignments_counts():
    assert parse_assignments(["a__b=1", "a__b=2"]) == {"a__b": 2}


@pytest.mark.parametrize("text", ["a__b", "=3", ""])
def test_an_assignment_needs_a_name_and_a_value(text):
    with pytest.raises(InputError, match="set as step__param=value"):
        parse_assignments([text])


@pytest.mark.parametrize(
    "content",
    [
        {"classifier__C": 2.0},
        {"params": {"classifier__C": 2.0}, "value": 0.9, "study": "cnn"},
    ],
)
def test_parameters_from_a_file(tmp_path, content):
    path = tmp_path / "best.json"
    path.write_text(json.dumps(content))
    assert read_tuned(path).params == {"classifier__C": 2.0}


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", '{"params": [1]}', "\x00"])
def test_a_file_without_parameters_is_refused(tmp_path, text):
    path = tmp_path / "best.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"best.json"):
        read_tuned(path)


def test_a_missing_file_of_parameters_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.json' cannot be read"):
        read_tuned(tmp_path / "none.json")


def test_parameters_reach_every_step():
    pipeline = make_model("cnn", augment="translate", resample="smote")
    given = {
        "classifier__widths": (8, 16),
        "classifier__optimizer": "sgd",
        "classifier__optimizer__momentum": 0.9,
        "randomtranslation__height_factor": 0.25,
        "imageresampler__sampler__k_neighbors": 3,
    }
    assert set_params(pipeline, given) is pipeline
    params = pipeline.get_params()
    assert {name: params[name] for name in given} == given
    cloned = clone(pipeline).get_params()
    assert {name: cloned[name] for name in given} == given


@pytest.mark.parametrize("names", [("network", "network__depth"), ("network__depth", "network")])
def test_a_name_may_exist_by_a_value_that_is_set_with_it(names):
    values = {"network": "resnet", "network__depth": 14}
    given = {f"classifier__{name}": values[name] for name in names}
    pipeline = set_params(make_model("vgg"), given)
    assert pipeline.get_params()["classifier__network__depth"] == 14


def test_all_unknown_names_are_reported_together():
    given = {
        "classifier__epcohs": 3,
        "classifier__epochs": 2,
        "randomflip__mod": 1,
        "clasifier__epochs": 3,
        "verbose": True,
    }
    with pytest.raises(InputError) as error:
        set_params(make_model("ann", augment="flip"), given)
    text = str(error.value)
    for wrong, right in [
        ("classifier__epcohs", "classifier__epochs"),
        ("randomflip__mod", "randomflip__mode"),
        ("clasifier__epochs", "classifier__epochs"),
    ]:
        assert f"{wrong!r}; did you mean {right!r}?" in text
    assert "'verbose'" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "name", ["classifier", "steps", "classifier__steps", "classifier__logisticregression"]
)
def test_steps_are_no_values(name):
    with pytest.raises(InputError, match=f"no parameter '{name}'"):
        set_params(make_model("logistic"), {name: "foo"})


@pytest.mark.parametrize(
    ("model", "name", "value", "message"),
    [
        ("ann", "classifier__epochs", 0, "'epochs' parameter of ANNClassifier"),
        ("ann", "classifier__learning_rate", -1, "'learning_rate' parameter"),
        ("ann", "classifier__learning_rate", "fast", "'learning_rate' parameter"),
        ("ann", "classifier__schedule", "foo", "'schedule' parameter"),
        ("ann", "classifier__optimizer", "adm", "no optimizer 'adm'; did you mean 'adam'"),
        ("ann", "classifier__callbacks", ["os.system"], "callbacks must be classes"),
        ("resnet", "classifier__network", "resnt", "no network 'resnt'; did you mean 'resnet'"),
        ("dummy", "classifier__strategy", "foo", "'strategy' parameter of DummyClassifier"),
        ("logistic", "classifier__logisticregression__C", -1, "'C' parameter of Logistic"),
        ("dummy", "randomtranslation__height_factor", 2, "height_factor of RandomTranslation"),
        ("dummy", "imageresampler__sampler__k_neighbors", "x", "'k_neighbors' parameter of SMOTE"),
    ],
)
def test_values_are_refused_before_any_fit(model, name, value, message):
    pipeline = make_model(model, augment="translate", resample="smote")
    with pytest.raises(InputError, match=message) as error:
        set_params(pipeline, {name: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "name", "value", "message"),
    [
        ("ann", "classifier__dropout", 2, "cannot be built: .*rate"),
        ("ann", "classifier__hidden_units", (-8,), "cannot be built: .*units"),
        ("ann", "classifier__hidden_units", 8, "cannot be built"),
        ("ann", "classifier__activation", "foo", "cannot be built: .*activation"),
        ("resnet", "classifier__network__depth", 9, "depth of 'resnet'"),
    ],
)
def test_what_only_keras_refuses_is_refused_before_any_fit(model, name, value, message):
    pipeline = set_params(make_model(model), {name: value})
    with pytest.raises(InputError, match=message) as error:
        check_network(pipeline, (8, 8, 1), 3)
    assert "\n" not in str(error.value)


def test_a_network_that_can_be_built_is_not_refused():
    pipeline = set_params(make_model("ann"), {"classifier__hidden_units": (8,)})
    check_network(pipeline, (8, 8, 1), 3)
    check_network(make_model("dummy"), (8, 8, 1), 3)
    assert not hasattr(pipeline[-1], "model_")


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({"randomcrop": "crop:2"}, "RandomFlip(), RandomCrop(padding=2), RandomFlip()"),
        ({"randomcrop": "passthrough"}, "RandomFlip(), 'passthrough', RandomFlip()"),
        (
            {"randomflip-2": "flip:vertical"},
            "RandomFlip(), RandomCrop(), RandomFlip(mode='vertical')",
        ),
        (
            {"randomcrop__padding_mode": "edge", "randomcrop": "crop:3"},
            "RandomFlip(), RandomCrop(padding=3, padding_mode='edge'), RandomFlip()",
        ),
    ],
)
def test_an_augmentation_step_is_set_by_its_policy(given, steps):
    pipeline = make_model("dummy", augment="flip,crop:4,flip")
    pipeline.steps = [(name.replace("flip-1", "flip"), step) for name, step in pipeline.steps]
    assert repr([step for _, step in set_params(pipeline, given).steps[:-1]]) == f"[{steps}]"


def test_a_step_that_was_left_out_can_come_back():
    pipeline = set_params(make_model("dummy", augment="crop:4"), {"randomcrop": "passthrough"})
    assert (
        repr(set_params(clone(pipeline), {"randomcrop": "crop:2"})[0]) == "RandomCrop(padding=2)"
    )
    described = [pipeline_description(p) for p in (pipeline, clone(pipeline))]
    assert described[0] == described[1]
    assert described[0]["steps"] == {"randomcrop": "passthrough", "classifier": "DummyClassifier"}
    assert not [name for name in described[0]["params"] if name.startswith("randomcrop")]


def test_a_step_with_a_name_of_its_own_takes_any_operation():
    step = make_model("dummy", augment="cutmix")[0]
    pipeline = Pipeline([("mix", step), *make_model("dummy").steps])
    assert repr(set_params(pipeline, {"mix": "mixup:0.4"})[0]) == "MixUp(alpha=0.4)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"randomcrop": "flip"}, "Step 'randomcrop' must be a RandomCrop; got 'flip', a RandomFl"),
        ({"randomcrop": "crp:2"}, "unknown augmentation 'crp'; did you mean 'crop'"),
        ({"randomcrop": "crop:-1"}, "padding of RandomCrop must be a whole number"),
        ({"randomcrop": "crop:2,crop:3"}, "must be one augmentation .* got 'crop:2,crop:3'"),
        ({"randomcrop": "none"}, "'passthrough' to leave it out; got 'none'"),
        ({"randomcrop": ""}, "must be one augmentation .* got ''"),
        ({"randomcrop": 2}, "must be one augmentation .* got 2"),
        ({"randomcorp": "crop:2"}, "no parameter 'randomcorp'; did you mean 'randomcrop'"),
        ({"randomzoom": "zoom:0.1"}, "'randomzoom', for step 'randomzoom' is not in the pipeline"),
        ({"randomzoom__factor": 0.1}, "'randomzoom__factor', for step 'randomzoom' is not in"),
        ({"classifier": "passthrough"}, "no parameter 'classifier'"),
        ({"imageresampler": "passthrough"}, "no parameter 'imageresampler'"),
        ({"randomcrop": "passthrough", "randomcrop__padding": 2}, "'randomcrop__padding'"),
    ],
)
def test_what_no_augmentation_step_can_be(given, message):
    pipeline = make_model("dummy", augment="light", resample="smote")
    with pytest.raises(InputError, match=message) as error:
        set_params(pipeline, given)
    assert "\n" not in str(error.value)


def test_a_step_that_is_left_out_changes_nothing(digits):
    X, y = digits[0][:60], digits[1][:60] % 2
    given = {"classifier__hidden_units": (4,), "classifier__epochs": 1}
    plain = set_params(make_model("ann"), given)
    left_out = set_params(make_model("ann", augment="crop:2"), given)
    set_params(left_out, {"randomcrop": "passthrough"})
    one, other = (cross_validate_oof(pipeline, X, y, cv=2) for pipeline in (plain, left_out))
    np.testing.assert_array_equal(one.oof_proba, other.oof_proba)


def test_a_model_with_a_step_that_is_left_out_can_be_saved():
    pipeline = make_model("ann", augment="crop:2")
    check_saveable(set_params(pipeline, {"randomcrop": "passthrough"}))


def test_the_description_is_the_same_in_every_process():
    code = (
        "import json\n"
        "from cifar_sk.pipelines.models import make_model\n"
        "from cifar_sk.runs.manifest import pipeline_description\n"
        "made = [make_model('logistic', augment='r4', resample='smote'), make_model('vgg')]\n"
        "text = json.dumps([pipeline_description(pipeline) for pipeline in made])\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", f"{code}print(text)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    here: dict[str, str] = {}
    exec(code, here)
    assert here["text"].startswith("[{")
    assert there.stdout.rstrip("\n") == here["text"]
    assert " at 0x" not in here["text"]


class _Opaque:
    """Its repr holds its address."""


def test_the_description_is_json_and_knows_what_differs():
    def described(classifier):
        pipeline = Pipeline([("scale", StandardScaler()), ("classifier", classifier)])
        return json.dumps(pipeline_description(pipeline))

    nested = make_pipeline(StandardScaler(), LogisticRegression())
    other = make_pipeline(StandardScaler(with_mean=False), LogisticRegression())
    variants = [
        nested,
        other,
        LogisticRegression(),
        LogisticRegression(C=2),
        LogisticRegression(C=np.float64(3)),
        LogisticRegression(class_weight={0: 1.0, 1: 2.0}),
    ]
    texts = [described(classifier) for classifier in variants]
    assert len(set(texts)) == len(texts)
    assert [described(clone(classifier)) for classifier in variants] == texts
    assert described(LogisticRegression(C=np.float64(2))) == described(LogisticRegression(C=2.0))
    opaque = described(LogisticRegression(C=_Opaque()))
    assert opaque == described(LogisticRegression(C=_Opaque()))


def test_not_a_number_equals_itself_in_a_description():
    description = pipeline_description(LogisticRegression(C=float("nan")))
    assert json.loads(json.dumps(description, allow_nan=False)) == description


def test_the_kind_of_a_nested_estimator_is_described():
    over, under = (make_model("dummy", resample=name) for name in ("oversample", "undersample"))
    name = "imageresampler__sampler"
    assert pipeline_description(over)["params"][name] == "RandomOverSampler"
    assert pipeline_description(under)["params"][name] == "RandomUnderSampler"
