"""The package's front: light to import, whole in what it offers."""

import subprocess
import sys

import pytest

import cifar_sk


def test_import_loads_neither_keras_nor_tensorflow():
    code = (
        "import sys, cifar_sk; "
        "print([m for m in ('keras', 'tensorflow', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_evaluation_core_knows_no_keras():
    code = (
        "import sys, cifar_sk.evaluation.engines.processes, cifar_sk.metrics, cifar_sk.reports\n"
        "import cifar_sk.evaluation.cross_validation, cifar_sk.runs.folder\n"
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", cifar_sk.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(cifar_sk, name)
    assert name == "__version__" or thing.__doc__
    assert name in dir(cifar_sk)


def test_other_names_are_no_attributes():
    with pytest.raises(AttributeError, match="No cifar_sk attribute nothing"):
        cifar_sk.nothing  # noqa: B018


def test_starting_tensorflow_is_quiet():
    done = subprocess.run(
        [sys.executable, "-c", "import cifar_sk; cifar_sk.CNNClassifier()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_programs_that_import_the_package_keep_their_own_handlers_of_signals(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/__init__.py").write_text("import cifar_sk\n")
    (tmp_path / "theirs/__main__.py").write_text(
        "import signal\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    )
    subprocess.run([sys.executable, "-m", "theirs"], cwd=tmp_path, check=True)
