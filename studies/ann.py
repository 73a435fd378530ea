"""Tune the ANN: layer sizes, dropout, optimiser, learning rate and batch size.

python -m studies.ann --dataset cifar10-jpeg --limit 6000 --trials 20

See `studies.cnn` for how a space is written, and copy either page for a study of your own.
"""

from cifar_sk.tune import main
from cifar_sk.tuning.shipped_spaces import SPACES

SPACE = {
    **SPACES["ann"],
    # R2 and R4 use 3000 and 1000 units; smaller ones are not obviously worse.
    "classifier__hidden_units": [[256], [512, 256], [1024, 512], [3000, 1000]],
}

if __name__ == "__main__":
    main(
        name="studies.ann",
        space=SPACE,
        model="ann",
        trials=20,
        folds=3,
        epochs=15,
        holdout=0.25,
    )
