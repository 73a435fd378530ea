import numpy as np
from sklearn.utils import Bunch

from cifar_sk.datasets import load_digits32
from cifar_sk.displays.dataset_samples import draw_samples


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
    pets = Bunch(
        images=images.astype(np.uint8), target=np.arange(60) % 30, target_names=names, name="pets"
    )
    figure = draw_samples(pets, n_per_class=3)
    (ax,) = figure.axes
    assert len(ax.get_yticklabels()) == 20
    assert ax.get_title() == "pets: 60 images, 30 classes (first 20 shown)"
