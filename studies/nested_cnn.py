"""Tune the CNN inside each outer fold: an honest score of tuning and network together.

python -m studies.nested_cnn --dataset cifar10-jpeg --limit 3000 --trials 8

What comes out is a run like that of ``python -m cifar_sk.cv``, and ``best_params.csv`` in it says
which parameters won in each outer fold. ``--folds`` are the inner folds, ``--nested`` the outer.
"""

from cifar_sk.tune import main
from studies.cnn import SPACE

if __name__ == "__main__":
    main(
        name="studies.nested_cnn",
        space=SPACE,
        model="cnn",
        nested=5,
        trials=10,
        folds=3,
        epochs=15,
    )
