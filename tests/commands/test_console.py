import io
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import typer
from rich.console import Console

from cifar_sk.__main__ import command_module
from cifar_sk.commands.progress import FoldProgress
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError
from cifar_sk.evaluation.fold_task import FoldEvent
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.progress import EpochEnd


def run(action, capsys):
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(number: int = 0):
        return action()

    with pytest.raises(SystemExit) as stop:
        run_command(app, "cv", ["--number", "3"])
    return stop.value.code, capsys.readouterr().err


def raises(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        (lambda: None, 0, ""),
        (lambda: 1, 1, ""),
        (raises(InputError("two\nlines  and spaces.")), 2, "error: two lines and spaces.\n"),
        (
            raises(OSError(28, "No space left", "a.npz")),
            1,
            "error: [Errno 28] No space left: 'a.npz'; what was finished before is kept\n",
        ),
        (raises(KeyboardInterrupt), 130, "error: interrupted\n"),
    ],
)
def test_how_a_command_ends(action, code, message, capsys):
    assert run(action, capsys) == (code, message)


EVENTS = [
    FoldEvent(0),
    FoldEvent(0, epoch=EpochEnd(1, 4, {"loss": 2.0, "val_loss": 2.5})),
    FoldEvent(1, epoch=EpochEnd(2, 4, {"loss": 1.5, "accuracy": 0.25, "lr": 0.1})),
    FoldEvent(0, epoch=EpochEnd(4, 4, {"loss": 1.0})),
    FoldEvent(0, result=FoldResult(0, 0, 0, 8, np.arange(2), np.ones((2, 1)), 61.0, 1.0)),
    FoldEvent(0, epoch=EpochEnd(4, 4, {"loss": 1.0})),  # told late by a worker
    FoldEvent(1, result=FoldResult(1, 0, 1, 8, np.arange(2), error="ValueError: [bold]no")),
]


def show(**options):
    text = io.StringIO()
    with FoldProgress(3, 0, Console(file=text, width=100, **options)) as progress:
        for event in EVENTS:
            progress(event)
            time.sleep(0.01)
    return text.getvalue()


def test_elsewhere_every_epoch_and_fold_is_a_plain_line():
    lines = show().splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "fold 1/3 epoch 1/4 loss 2.000 val_loss 2.500",
        "fold 2/3 epoch 2/4 loss 1.500 accuracy 0.250",
        "fold 1/3 epoch 4/4 loss 1.000",
        "fold 1/3 done in 1 min 02 s",
        "fold 2/3 failed: ValueError: [bold]no",
    ]
    assert all("left)" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_progress_names_the_seed_where_there_are_several():
    text = io.StringIO()
    with FoldProgress(3, 0, Console(file=text), seeds=[0, 1, 2]) as progress:
        progress(EVENTS[1])
        progress(EVENTS[-1])
    assert text.getvalue().startswith("fold 1/3, seed 1 epoch 1/4 ")
    assert "fold 2/3, seed 2 failed: " in text.getvalue()


def test_a_terminal_keeps_the_lines_of_finished_folds_only():
    text = show(force_terminal=True, color_system=None)
    assert "0 of 3 folds (0 s, at most" in text
    assert "2 of 3 folds (0 s, at most" in text
    kept = [line for line in screen(text) if line.strip()]
    assert kept == ["fold 1/3 done in 1 min 02 s", "fold 2/3 failed: ValueError: [bold]no"]


def screen(text):
    """What a terminal shows after the text: lines, carriage returns, and what Rich erases by."""
    lines, at = [""], 0
    for part in text.replace("\x1b", "\n\x1b").split("\n\x1b"):
        for code, effect in (("[1A", "up"), ("[2K", "erase")):
            if part.startswith(code):
                at -= effect == "up"
                lines[at] = "" if effect == "erase" else lines[at]
        shown = re.sub(r"^\[\??\d+[A-Za-z]", "", part)
        for position, piece in enumerate(shown.split("\n")):
            at += position > 0
            lines += [""] * (at + 1 - len(lines))
            lines[at] = piece.rpartition("\r")[2] or lines[at]
    return lines


def test_quiet_shows_nothing():
    assert show(quiet=True) == ""


@pytest.mark.parametrize("name", ["cv", "explore"])
def test_help_is_light_and_shows_examples(name):
    code = (
        "import sys\n"
        f"from cifar_sk.{name} import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'keras', 'matplotlib', 'numpy', 'pandas', 'sklearn', 'tensorflow'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"python -m cifar_sk.{name} --" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        ([], 0, "usage: cifar-sk COMMAND", ""),
        (["--help"], 0, "explore", ""),
        (["--version"], 0, "cifar_sk 0.", ""),
        (["cvv"], 2, "", "error: There is no command 'cvv'; did you mean 'cv'?"),
        (["cv", "--bogus"], 2, "", "error: No such option: --bogus"),
    ],
)
def test_the_command_of_commands(arguments, code, out, err):
    done = subprocess.run(
        [sys.executable, "-m", "cifar_sk", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert out in done.stdout
    assert done.stderr.startswith(err)
    assert done.stderr.count("\n") == (code == 2)


BAD = "caf\udce9"  # a byte that is no UTF-8, as Python hands it to programs


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        ("cv", ["--run", BAD], "is not in UTF-8; rename it"),
        ("cv", ["--results", BAD], "is not in UTF-8; rename it"),
        ("tune", ["--study", BAD], "is not in UTF-8; rename it"),
        ("tune", ["--space", f"{BAD}.toml"], "is not in UTF-8; rename it"),
        ("report", [BAD], "is not in UTF-8; rename it"),
        ("explore", ["--dataset", "/dev/zero"], "dataset '/dev/zero' must be one of"),
        ("explore", ["--dataset", "x" * 100_000], "neither a known name nor an existing path"),
        ("explore", [f"--{'x' * 100_000}"], "see python -m cifar_sk.explore --help"),
        ("cv", ["--model", "dummy", "--params", "/dev/zero"], "it is a folder or a device"),
        ("cv", ["--model", "dummy", "--set", "x" * 100_000], "step__param=value"),
        ("cv", ["--model", "x" * 100_000], "There is no model 'xxx"),
    ],
)
def test_words_that_nobody_would_type_are_refused_in_a_sentence(command, words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        command_module(command).main(words)
    text = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in text
    assert len(text) < 1_200
