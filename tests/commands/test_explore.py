import subprocess
import sys

import pytest
from PIL import Image

from cifar_sk.datasets import load_dataset
from cifar_sk.explore import main


def test_command_prints_and_draws(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--dataset", "digits", "--limit", "200", "--output", str(tmp_path / "a/b")])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    expected = load_dataset("digits", limit=200)
    for part in ("digits", expected.fingerprint, "200 of 32×32 pixels", "red"):
        assert part in printed
    with Image.open(tmp_path / "a/b/samples.png") as image:
        assert image.width > 600


def test_an_unusable_input_is_one_sentence_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--dataset", "digitz"])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: dataset 'digitz'")
    assert printed.err.count("\n") == 1


def test_a_file_in_the_way_of_the_output_is_reported(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["--dataset", "digits", "--limit", "20", "--output", str(tmp_path / "file")])
    assert capsys.readouterr().err.startswith("error: --output must be a folder")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from cifar_sk.explore import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'matplotlib', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--data-home" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
