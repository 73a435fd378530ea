"""Rules that fit models and watch what they do, and so notice also what nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cifar_sk.leaks.changes import changes_of
from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.fitting import Probe, probe_of
from cifar_sk.leaks.subject import Subject

__all__ = [
    "knows_labels",
    "prediction_depends_on_batch",
    "random_prediction",
    "scored_samples_read",
    "state_shared",
]

_MOVED = 0.01  # in a probability; sums in another order, or in bfloat16, move less
_LEAST_SHARE = 0.02  # of the samples


def _share_moved(first: np.ndarray, second: np.ndarray) -> float:
    return float((np.abs(first - second).max(axis=1) > _MOVED).mean())


@leak_rule("random_prediction", fits=True)
def random_prediction(subject: Subject) -> Iterator[Leak]:
    """Find predictions that differ when the same samples are predicted twice."""
    probe = probe_of(subject)
    moved = _share_moved(probe.first, probe.predict(probe.first_model, seed=1))
    if moved >= _LEAST_SHARE:
        yield Leak(
            f"the same fitted model predicts {moved:.0%} of the samples differently the second "
            f"time, as if augmentation or dropout acted at predict",
            "let augmentation act in fit only, as steps of cifar_sk do",
            {"share": moved},
        )


@leak_rule("prediction_depends_on_batch", fits=True)
def prediction_depends_on_batch(subject: Subject) -> Iterator[Leak]:
    """Find predictions that depend on which samples are predicted together."""
    probe = probe_of(subject)
    if _share_moved(probe.first, probe.predict(probe.first_model)) >= _LEAST_SHARE:
        return  # they differ anyhow
    order = np.arange(len(probe.first))[::-1]
    parts = [order, order[: max(2, len(order) // 2)]]
    moved = max(
        _share_moved(probe.first[part], probe.predict(probe.first_model, probe.take(part)))
        for part in parts
    )
    if moved >= _LEAST_SHARE:
        yield Leak(
            f"predictions of {moved:.0%} of the samples depend on the samples that are predicted "
            f"with them, so scored samples have a part in how they are scored",
            "call fit of scalers and the like in fit only, and transform at predict",
            {"share": moved},
        )


@leak_rule("state_shared", fits=True)
def state_shared(subject: Subject) -> Iterator[Leak]:
    """Find models of a fold that are others once another fold's model has been fitted."""
    probe = probe_of(subject)
    again, once_more = probe.predict(probe.model_again), probe.predict(probe.model_once_more)
    moved, by_itself = _share_moved(probe.first, again), _share_moved(again, once_more)
    is_shared = moved >= _LEAST_SHARE and by_itself < moved / 2
    if is_shared:
        yield Leak(
            f"a fold's model predicts {moved:.0%} of the samples differently after another fold's "
            f"model was fitted, so folds share a state",
            "keep what is fitted in attributes of the estimator, and none in classes or globals",
            {"share": moved, "without_another_fold": by_itself},
        )


@leak_rule("knows_labels", fits=True)
def knows_labels(subject: Subject) -> Iterator[Leak]:
    """Find models that predict true labels though they were trained on wrong ones."""
    # Each class was called by the next one's name. An honest model predicts those names, and so
    # a true label only where the other model had taken its class for the one before it.
    probe = probe_of(subject)
    true = subject.codes[probe.fold.test]
    told = probe.relabelled.argmax(axis=1)
    before = (true - 1) % subject.n_classes
    shares = np.bincount(true) / len(true)
    honest = max(float((probe.first.argmax(axis=1) == before).mean()), float(shares.max()))
    known = float((told == true).mean())
    if known > honest + 0.05 + 4 * np.sqrt(honest * (1 - honest) / len(true)):
        yield Leak(
            f"a model that was trained on wrong labels predicts {known:.0%} of the true labels of "
            f"the scored fold (without a leak about {honest:.0%}), which it has from elsewhere",
            "train on what fit is given, and on nothing else that knows these labels",
            {"known": known, "honest": honest, "samples": len(true)},
        )


@leak_rule("scored_samples_read", fits=True)
def scored_samples_read(subject: Subject) -> Iterator[Leak]:
    """Find fits that read scored samples, or the test split, from elsewhere than X and y."""
    changes = changes_of(subject, subject.estimator, subject.fit_params)
    if not changes:
        return
    probe = probe_of(subject)
    samples = [probe.take(slice(None)), probe.wild]
    before = _predictions(probe, probe.model_again, samples)
    noise = _most_moved(before, _predictions(probe, probe.model_once_more, samples))
    for what, test_split in changes.kinds():
        with changes.made(what, test_split=test_split):
            try:
                model = probe.fit(probe.fold)
            except Exception:
                model = None
        after = [] if model is None else _predictions(probe, model, samples)
        moved = _most_moved(before, after) if after else 1.0
        # Where two equal fits predict the same, one prediction that moves is proof.
        if moved > (max(_LEAST_SHARE, 3 * noise) if noise else 0):
            whose = "the official test split" if test_split else "the scored fold"
            yield Leak(
                f"the fit reads {what} of {whose} beside its X and y: when they are changed, up "
                f"to {moved:.0%} of the predictions change",
                "stop and select by a part of the training fold (validation_fraction, or a search "
                "in the pipeline)",
                {"share": moved, "read": what, "test_split": test_split},
            )
            return


def _predictions(probe: Probe, model: Any, samples: list[Any]) -> list[np.ndarray]:
    return [probe.predict(model, some) for some in samples]


def _most_moved(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    return max(_share_moved(*pair) for pair in zip(before, after, strict=True))
