"""Tune the augmentation policy, which operations and how strong, together with the network.

python -m studies.augmentation --dataset cifar10-jpeg --limit 6000 --trials 30

A parameter without ``__`` is a step of the pipeline. Its choices are written as after
``--augment``, and "passthrough" leaves the step out.
"""

from cifar_sk.tune import main
from cifar_sk.tuning.shipped_spaces import SPACES

SPACE = {
    **SPACES["augmentation"],
    # The more the images vary, the less the network needs to be held back otherwise.
    "classifier__dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
    "classifier__l2": {"low": 1e-5, "high": 1e-2, "log": True},
    "classifier__learning_rate": {"low": 3e-4, "high": 3e-3, "log": True},
}

if __name__ == "__main__":
    main(
        name="studies.augmentation",
        space=SPACE,
        model="cnn",
        study="augmentation",
        trials=30,
        folds=3,
        epochs=20,
        holdout=0.25,
    )
