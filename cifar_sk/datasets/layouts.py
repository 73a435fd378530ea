"""What the canonical files of CIFAR-10 and CIFAR-100 are called, and hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CIFAR10", "CIFAR100", "CifarLayout"]


@dataclass(frozen=True)
class CifarLayout:
    """What the canonical files of one CIFAR data set are called and hold."""

    name: str
    title: str
    folder: str
    archive: str
    md5: str
    url: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels_key: bytes
    names_key: bytes
    class_names: tuple[str, ...]
    n_train: int = 50_000

    @property
    def archives(self) -> tuple[str, str, str]:
        """What the archive is called: by its authors, by Keras 2 and by Keras 3."""
        return self.archive, f"{self.folder}.tar.gz", f"{self.folder}-target_archive"

    def is_batches(self, folder: Path) -> bool:
        """Whether a folder is, or is meant to be, the canonical one."""
        return folder.is_dir() and (
            folder.name == self.folder or any((folder / name).is_file() for name in self.train)
        )

    def named(self, n_images: int, *, jpeg: bool = False) -> str:
        """Return the honest name for `n_images` training images of this data set."""
        encoding = "-jpeg" if jpeg else ""
        return f"{self.name}{encoding}{'' if n_images == self.n_train else '-subset'}"


def _names(separated: str) -> tuple[str, ...]:
    return tuple(separated.split())


CIFAR10 = CifarLayout(
    name="cifar10",
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    train=tuple(f"data_batch_{k}" for k in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    labels_key=b"labels",
    names_key=b"label_names",
    class_names=_names("airplane automobile bird cat deer dog frog horse ship truck"),
)
CIFAR100 = CifarLayout(
    name="cifar100",
    title="CIFAR-100",
    folder="cifar-100-python",
    archive="cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    train=("train",),
    test="test",
    meta="meta",
    labels_key=b"fine_labels",
    names_key=b"fine_label_names",
    class_names=_names(
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
        "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach "
        "couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster "
        "house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree "
        "motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear "
        "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road "
        "rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar "
        "sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip "
        "turtle wardrobe whale willow_tree wolf woman worm"
    ),
)
