"""The README shows only what runs."""

import os
import re
from pathlib import Path

import pytest

from cifar_sk.__main__ import COMMANDS, command_module

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_every_command_of_the_readme_is_a_command(capsys):
    shown = re.findall(r"-m cifar_sk\.(\w+)", README.read_text(encoding="utf-8"))
    assert {"cv", "explore", "tune"} <= set(shown) <= set(COMMANDS)


@pytest.mark.parametrize(
    "line",
    [line for block in blocks("sh") for line in block.splitlines() if "-m cifar_sk." in line],
)
def test_every_option_of_the_readme_is_an_option(line):
    from typer.testing import CliRunner

    _, name, options = re.split(r"-m cifar_sk\.(\w+)", line)
    app = command_module(name).app
    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for option in re.findall(r"--[a-z-]+", options):
        assert option in text


def test_the_space_of_the_readme_is_a_space(tmp_path):
    from cifar_sk.tuning import SearchSpace

    (block,) = blocks("toml")
    (tmp_path / "space.toml").write_text(block)
    assert SearchSpace.from_toml(tmp_path / "space.toml").size is None


def test_every_table_and_picture_of_the_readme_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    missing = [link for link in links if "//" not in link and not (README.parent / link).exists()]
    assert not missing


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path):
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        names = {}
        for block in blocks("python"):
            exec(block, names)
        assert (tmp_path / "results" / "mine" / "report.html").exists()
    finally:
        os.chdir(here)
