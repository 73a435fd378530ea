import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.utils import Bunch

from cifar_sk.datasets import load_dataset, load_digits32
from cifar_sk.explore import describe_dataset, draw_samples, main


def bunch(images, target, names=("cat", "dog")):
    return Bunch(
        images=np.asarray(images, dtype=np.uint8),
        target=np.asarray(target),
        target_names=list(names),
        name="pets",
        source="Made for a test.",
        fingerprint="0" * 64,
    )


def test_counts_and_shares():
    images = np.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    found = describe_dataset(bunch(images, [0, 1, 1, 1]))
    assert found.classes["class_name"].tolist() == ["cat", "dog"]
    assert found.classes["images"].tolist() == [1, 3]
    assert found.classes["share"].tolist() == [0.25, 0.75]
    assert (found.shape, found.dtype, found.name) == ((4, 2, 2, 3), "uint8", "pets")


@pytest.mark.parametrize("n_channels", [1, 3])
def test_channel_moments_are_numpys(n_channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2_345, 5, 4, n_channels), dtype=np.uint8)
    found = describe_dataset(bunch(images, np.arange(2_345) % 2)).channels
    scaled = images.astype(np.float64) / 255
    np.testing.assert_allclose(found["mean"], scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["std"], scaled.std(axis=(0, 1, 2)), rtol=1e-12)


def test_duplicates_and_conflicting_labels():
    a, b, c = (np.full((3, 3, 3), value) for value in (1, 2, 3))
    found = describe_dataset(bunch([a, b, a, a, c, b], [0, 0, 0, 0, 1, 1]))
    assert found.n_duplicates == 3  # two more of a, one more of b
    assert found.n_conflicts == 1  # b is a cat and a dog


def test_samples_are_a_row_per_class():
    dataset = load_digits32()
    figure = draw_samples(dataset, n_per_class=6, random_state=1)
    (ax,) = figure.axes
    mosaic = ax.images[0].get_array()
    assert mosaic.shape == (10 * 34, 6 * 34, 3)
    assert [label.get_text() for label in ax.get_yticklabels()] == dataset.target_names
    for row in (0, 7):
        tiles = [mosaic[row * 34 : row * 34 + 32, k * 34 : k * 34 + 32] for k in range(6)]
        members = {image.tobytes() for image in dataset.images[dataset.target == row]}
        chosen = {np.ascontiguousarray(tile).tobytes() for tile in tiles}
        assert len(chosen) == 6
        assert chosen <= members


def test_many_classes_are_cut_and_the_title_says_so():
    names = [f"class {k}" for k in range(30)]
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1))
    figure = draw_samples(bunch(images, np.arange(60) % 30, names), n_per_class=3)
    (ax,) = figure.axes
    assert len(ax.get_yticklabels()) == 20
    assert ax.get_title() == "pets: 60 images, 30 classes (first 20 shown)"


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
