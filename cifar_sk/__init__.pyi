from ._version import __version__ as __version__
from .augmentation import (
    Augmentation as Augmentation,
)
from .augmentation import (
    CutMix as CutMix,
)
from .augmentation import (
    ImageResampler as ImageResampler,
)
from .augmentation import (
    KerasAugmentation as KerasAugmentation,
)
from .augmentation import (
    MixUp as MixUp,
)
from .augmentation import (
    RandomContrast as RandomContrast,
)
from .augmentation import (
    RandomCrop as RandomCrop,
)
from .augmentation import (
    RandomErasing as RandomErasing,
)
from .augmentation import (
    RandomFlip as RandomFlip,
)
from .augmentation import (
    RandomRotation as RandomRotation,
)
from .augmentation import (
    RandomShear as RandomShear,
)
from .augmentation import (
    RandomTranslation as RandomTranslation,
)
from .augmentation import (
    RandomZoom as RandomZoom,
)
from .augmentation import (
    augmentation_steps as augmentation_steps,
)
from .comparison import (
    compare_runs as compare_runs,
)
from .comparison import (
    conclusion as conclusion,
)
from .datasets import (
    load_dataset as load_dataset,
)
from .errors import (
    InputError as InputError,
)
from .estimators import (
    ANNClassifier as ANNClassifier,
)
from .estimators import (
    CNNClassifier as CNNClassifier,
)
from .estimators import (
    FastCNNClassifier as FastCNNClassifier,
)
from .estimators import (
    KerasImageClassifier as KerasImageClassifier,
)
from .evaluation import (
    cross_validate_oof as cross_validate_oof,
)
from .folds.splits import (
    make_splits as make_splits,
)
from .metrics import (
    ConformalSets as ConformalSets,
)
from .metrics import (
    conformal_sets as conformal_sets,
)
from .metrics import (
    fold_metrics as fold_metrics,
)
from .pipelines.inner_split import (
    InnerSplitPipeline as InnerSplitPipeline,
)
from .pipelines.models import (
    make_model as make_model,
)
from .reports import (
    write_report as write_report,
)
from .runs.folder import (
    RunFolder as RunFolder,
)
from .runs.reading import (
    read_run as read_run,
)
from .tuning import (
    SearchSpace as SearchSpace,
)
from .tuning import (
    StudySearchCV as StudySearchCV,
)
