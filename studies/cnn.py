"""Tune the CNN: widths, depth, regularisation, and how it is trained.

python -m studies.cnn --dataset cifar10-jpeg --limit 6000 --trials 24

A study of your own is a copy of this page. A name is ``step__param``, as scikit-learn writes it;
``{"low": …, "high": …}`` is a range (with ``"log": True`` on a log scale, with ``"step"`` in
steps), a list are choices. Every option of ``python -m cifar_sk.tune`` works here too, and
``python -m cifar_sk.tune --model cnn --show-space`` prints the space that this one begins with.
"""

from cifar_sk.tune import main
from cifar_sk.tuning.shipped_spaces import SPACES

SPACE = {
    **SPACES["cnn"],
    # What stands here replaces or completes the shipped space.
    "classifier__learning_rate": {"low": 3e-4, "high": 3e-3, "log": True},
    "classifier__batch_size": [32, 64],
}

if __name__ == "__main__":
    main(
        name="studies.cnn",
        space=SPACE,
        model="cnn",
        trials=24,
        folds=3,
        epochs=15,
        holdout=0.25,  # of the images, which no trial sees, to judge the winner by
    )
