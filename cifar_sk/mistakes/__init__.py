"""Where a run goes wrong: confusions, hard samples, hard images, suspected labels."""

from cifar_sk.mistakes.confusions import confused_pairs, hardest_classes
from cifar_sk.mistakes.image_statistics import brightness_and_contrast, error_by_statistic
from cifar_sk.mistakes.label_errors import confident_joint, label_issues
from cifar_sk.mistakes.samples import missed_samples, sample_predictions

__all__ = [
    "brightness_and_contrast",
    "confident_joint",
    "confused_pairs",
    "error_by_statistic",
    "hardest_classes",
    "label_issues",
    "missed_samples",
    "sample_predictions",
]
