"""A pipeline that holds out the inner validation split before any of its steps is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from imblearn.pipeline import Pipeline
from sklearn import get_config
from sklearn.utils import column_or_1d
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import _check_method_params

from cifar_sk.errors import InputError
from cifar_sk.folds.steps import holds_out, is_left_out, resampling_step

__all__ = ["InnerSplitPipeline"]


class InnerSplitPipeline(Pipeline):
    """Pipeline whose steps see nothing of what early stopping watches.

    In other pipelines a classifier holds out a part of what it is given, which the steps in front
    of it have resampled, scaled or selected before: the part that early stopping watches then
    holds copies of images that are trained on, or images interpolated from them. Here the part is
    drawn first, of the samples as ``fit`` got them. Samplers, transformers and the classifier are
    fitted on the rest; what is watched only passes through the fitted transformers, as samples do
    at predict.

    Parameters
    ----------
    steps : list of (str, estimator)
        As for imbalanced-learn's `Pipeline`: transformers, samplers, at last a classifier. Only
        classifiers of this package have an inner split; with others, or where none is held out,
        this is imbalanced-learn's pipeline.
    transform_input, memory, verbose
        As for imbalanced-learn's `Pipeline`.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from cifar_sk import CNNClassifier, ImageResampler
    >>> pipeline = InnerSplitPipeline(
    ...     [("smote", ImageResampler(SMOTE())), ("classifier", CNNClassifier())]
    ... )
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Hold out the inner split, fit the steps on the rest, and let the classifier watch it.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,)
            Labels.
        **params
            As for scikit-learn's pipelines. Of them ``classifier__groups`` guides the inner split
            where the last step is called "classifier".

        Returns
        -------
        self

        Raises
        ------
        InputError
            If no inner split can be held out, or if weights come with a step that resamples.
        """
        name, classifier = self.steps[-1]
        if not hasattr(classifier, "watching"):
            return super().fit(X, y, **params)
        y = column_or_1d(y)
        given = self._given_to(name, params)
        self._check_weights(given)
        weight = given.get("sample_weight")
        train, watched = classifier.hold_out(y, groups=given.get("groups"), sample_weight=weight)
        if watched is None:
            with classifier.watching(lambda: None):
                return super().fit(X, y, **params)

        def read() -> tuple[Any, Any, Any]:
            cut = _check_method_params(X, {"sample_weight": weight}, watched)
            return self._as_at_predict(_safe_indexing(X, watched)), y[watched], *cut.values()

        with classifier.watching(read):
            cut = _check_method_params(X, params, train)
            return super().fit(_safe_indexing(X, train), y[train], **cut)

    @property
    def splits_first(self) -> bool:
        """Whether an inner split is held out before a step resamples."""
        return resampling_step(self) is not None and holds_out(self.steps[-1][1])

    def _given_to(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what ``fit`` of a step is given."""
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **params)[name].fit
        return {
            key.removeprefix(f"{name}__"): value
            for key, value in params.items()
            if key.startswith(f"{name}__")
        }

    def _check_weights(self, given: Mapping[str, Any]) -> None:
        sampler = resampling_step(self)
        if sampler is not None and given.get("sample_weight") is not None:
            raise InputError(
                f"sample_weight cannot follow samples through step {sampler!r}, which resamples "
                f"them; leave one of the two out."
            )

    def _as_at_predict(self, X: Any) -> Any:
        """Pass samples through the fitted transformers."""
        for _, step in self.steps[:-1]:
            if not (is_left_out(step) or hasattr(step, "fit_resample")):
                X = step.transform(X)
        return X
