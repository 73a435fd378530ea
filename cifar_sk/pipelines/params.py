"""Parameters of a pipeline: ``step__param=value`` strings, and values set with all checks."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.pipeline import Pipeline

from cifar_sk.augmentation.policies import STEPS, augmentation_steps
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.folds.steps import PASSTHROUGH, is_augmentation, is_left_out

__all__ = [
    "PASSTHROUGH",
    "augmentation_operation",
    "check_depth",
    "is_left_out",
    "parse_assignments",
    "set_params",
]

_MAX_UNKNOWN = 5  # names that a message tells apart
_MAX_DEPTH = 20  # lists in lists


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read ``step__param=value`` strings: JSON or Python literals; what is neither is text."""
    params = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise InputError(
                f"Parameters are set as step__param=value, such as classifier__dropout=0.3; "
                f"got {assignment!r}."
            )
        params[name.strip()] = _value(text.strip())
    return params


def _value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return text


def set_params(pipeline: Pipeline, params: Mapping[str, Any]) -> Pipeline:
    """Set parameters of a pipeline in place; unknown names are reported together."""
    for name, value in params.items():
        check_depth(name, value)
    todo = dict(params)
    operations = {
        name: augmentation_operation(name, todo.pop(name))
        for name in _augmentation_names(pipeline)
        if name in todo
    }
    try:
        pipeline.set_params(**operations)
        # Names such as classifier__network__depth may come to be known by what is set before.
        while known := {name: todo.pop(name) for name in _leaves(pipeline) if name in todo}:
            pipeline.set_params(**known)
        if todo:
            named = [*todo][:_MAX_UNKNOWN]
            hints = [repr(name) + _nearest(name, pipeline) for name in named]
            more = f"; nor are {len(todo) - len(named):,} more" if len(todo) > len(named) else ""
            raise InputError(f"There is no parameter {'; nor '.join(hints)}{more}.")
        for step in [*pipeline.get_params().values()]:
            _validate(step)
    except ValueError as error:
        text = " ".join(str(error).split())
        raise error if isinstance(error, InputError) else InputError(text) from error
    return pipeline


def check_depth(name: str, value: Any, left: int = _MAX_DEPTH) -> None:
    """Refuse lists in lists in lists, which no step takes, before Python's stack is too small."""
    if not left:
        raise InputError(f"{name} must be of at most {_MAX_DEPTH} lists in lists; leave some out.")
    inner = value.values() if isinstance(value, dict) else value
    for item in inner if isinstance(value, dict | list | tuple) else ():
        check_depth(name, item, left - 1)


def augmentation_operation(name: str, text: Any) -> Any:
    """Read what an augmentation step is to be: one operation, or "passthrough"."""
    if is_left_out(text):
        return PASSTHROUGH
    operations = augmentation_steps(text) if isinstance(text, str) and text else []
    if len(operations) != 1:
        raise InputError(
            f"Step {name!r} must be one augmentation such as 'flip' or 'crop:2', or "
            f"'passthrough' to leave it out; got {text!r}."
        )
    kind, needed = type(operations[0]).__name__, _without_number(name)
    if needed in _kinds() and kind.lower() != needed:
        raise InputError(f"Step {name!r} must be a {_kinds()[needed]}; got {text!r}, a {kind}.")
    return operations[0]


def _kinds() -> dict[str, str]:
    """Map the names that scikit-learn gives to augmentation steps to their classes'."""
    return {kind.__name__.lower(): kind.__name__ for kind in STEPS.values()}


def _without_number(name: str) -> str:
    """Take off what scikit-learn appends where two steps are of one class."""
    return re.sub(r"-\d+$", "", name)


def _augmentation_names(pipeline: Pipeline) -> list[str]:
    """List the steps that augment, or that are left out."""
    return [
        name
        for name, step in getattr(pipeline, "steps", [])[:-1]
        if is_left_out(step) or is_augmentation(step)
    ]


def _leaves(pipeline: Pipeline) -> list[str]:
    """List the parameters that are values, and no steps."""
    return [
        name
        for name, value in pipeline.get_params().items()
        if "__" in name and not _is_step(name, value)
    ]


def _is_step(name: str, value: Any) -> bool:
    return hasattr(value, "get_params") or name.rpartition("__")[2] in {"steps", "memory"}


def _nearest(name: str, pipeline: Pipeline) -> str:
    """Suggest a parameter of the same step, or of any if there is no such step."""
    known = [*_augmentation_names(pipeline), *_leaves(pipeline)]
    step = name.partition("__")[0]
    if _without_number(step) in _kinds() and step not in dict(pipeline.steps):
        return f", for step {step!r} is not in the pipeline: add it to the augmentation policy"
    return did_you_mean(name, [k for k in known if k.startswith(f"{step}__")] or known)


def _validate(step: Any) -> None:
    """Have a step check its parameters now, and not in every fold."""
    for check in ("_check_params", "check_parameters"):
        if hasattr(step, check):
            getattr(step, check)()
            return
    if hasattr(step, "_parameter_constraints"):
        step._validate_params()
