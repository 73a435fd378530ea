"""A rule of scripts: what is fitted on all samples before they are split, read off the code.

The code is parsed, and never run.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cifar_sk.errors import InputError, read_text
from cifar_sk.leaks.findings import Finding

__all__ = ["audit_source"]

_NAME = "fitted_before_split"
_FITTING = {"fit_transform", "fit_resample"}
_FUNCTIONS = {
    *("scale", "minmax_scale", "maxabs_scale", "robust_scale", "quantile_transform"),
    "power_transform",
}
_SPLITTING = {
    *("cross_validate_oof", "cross_validate", "cross_val_score", "cross_val_predict"),
    *("train_test_split", "audit", "split", "make_splits"),
}
_FOUND = {"best_params_", "best_estimator_", "best_index_", "cv_results_", "get_support"}
_SEARCHES = ("SearchCV", "SearchSpace")
_REMEDY = "make it a step of the pipeline, so that each fold fits it on its training part"


@dataclass
class _Scope:
    """What is known of the names of a module or a function, statement by statement."""

    derived: dict[str, str] = field(default_factory=dict)  # samples: by which call
    fitted: dict[str, str] = field(default_factory=dict)  # estimators: on which samples
    searches: set[str] = field(default_factory=set)
    chosen: dict[str, str] = field(default_factory=dict)  # estimators: on which samples

    def copy(self) -> _Scope:
        return _Scope({**self.derived}, {**self.fitted}, {*self.searches}, {**self.chosen})


def audit_source(path: str | Path, samples: Collection[str] = ()) -> list[Finding]:
    """Look for fits on all samples before they are split, in a script.

    Parameters
    ----------
    path : str or Path
        A Python file. It is parsed, and not run.
    samples : collection of str, default=()
        Names of the module that are evaluated, such as "X", beside those that the script itself
        gives to `cross_validate_oof`, `train_test_split` and the like.

    Returns
    -------
    list of Finding

    Raises
    ------
    InputError
        If the file cannot be read or is no Python.
    """
    text = read_text(path, "Python code")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as Python ({error}); correct it.") from error
    scope = _Scope()
    found = list(_statements(tree.body, scope))
    for name in samples:
        found += [
            (scope.derived[name], 0, f"{name} was made by ") for _ in [0] if name in scope.derived
        ]
    for name, on in scope.chosen.items():
        if on in samples:
            found.append((f"a search on {on}", 0, f"{name} has its parameters of "))
    unique = {what: (line, how) for what, line, how in reversed(found)}
    return [_finding(path, what, line, how) for what, (line, how) in unique.items()]


def _finding(path: str | Path, what: str, line: int, how: str) -> Finding:
    where = f"{Path(path).name}, line {line}" if line else Path(path).name
    sentence = f"{where}: {how}{what} before the samples are split"
    return Finding(_NAME, sentence, _REMEDY, {"line": line, "what": what})


_Raw = tuple[str, int, str]


def _statements(body: list[ast.stmt], scope: _Scope) -> Iterator[_Raw]:
    later = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            later.append(statement)  # it runs when the module is through
        elif isinstance(statement, ast.ClassDef):
            continue
        else:
            yield from _statement(statement, scope)
    for function in later:
        inner = scope.copy()
        for argument in function.args.args:
            _forget(inner, argument.arg)
        yield from _statements(function.body, inner)


def _statement(statement: ast.stmt, scope: _Scope) -> Iterator[_Raw]:
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    if any(blocks):
        for part in ast.iter_child_nodes(statement):
            if isinstance(part, ast.expr | ast.withitem):
                yield from _splits(part, scope)
        for block in blocks:
            yield from _statements(block, scope)
        return
    yield from _splits(statement, scope)
    _note_fits(statement, scope)
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            _assign(target, statement.value, scope)


def _splits(statement: ast.AST, scope: _Scope) -> Iterator[_Raw]:
    """Yield what a call that splits samples is given of what was fitted on them."""
    for call in _calls(statement):
        if _called(call) not in _SPLITTING:
            continue
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        names = [
            node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)
        ]
        for name in names:
            if name in scope.derived:
                yield scope.derived[name], call.lineno, f"{name} was made by "
            if scope.chosen.get(name) in names:
                on = scope.chosen[name]
                yield f"a search on {on}", call.lineno, f"{name} has its parameters of "


def _note_fits(statement: ast.stmt, scope: _Scope) -> None:
    for call in _calls(statement):
        if _called(call) == "fit" and call.args and isinstance(call.func, ast.Attribute):
            on = _name(call.args[0])
            owner = _name(call.func.value)
            if owner and on and "train" not in on.lower():
                scope.fitted[owner] = on


def _assign(target: ast.expr, value: ast.expr, scope: _Scope) -> None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            _assign(one, other, scope)
        return
    first = target.elts[0] if isinstance(target, ast.Tuple | ast.List) and target.elts else target
    name = _name(first)
    if not name:
        return
    how, search = _derivation(value, scope), _choice(value, scope)
    is_search = any(_called(call).endswith(_SEARCHES) for call in _calls(value))
    fit = next((c for c in _calls(value) if _called(c) == "fit" and c.args), None)
    _forget(scope, name)
    if how:
        scope.derived[name] = how
    if search:
        scope.chosen[name] = search
    if is_search:
        scope.searches.add(name)
    if fit is not None and (on := _name(fit.args[0])) and "train" not in on.lower():
        scope.fitted[name] = on


def _forget(scope: _Scope, name: str) -> None:
    scope.derived.pop(name, None)
    scope.fitted.pop(name, None)
    scope.chosen.pop(name, None)
    scope.searches.discard(name)


def _derivation(value: ast.expr, scope: _Scope) -> str | None:
    """Say by which call on all samples a value was made, or None."""
    for call in _calls(value):
        name, given = _called(call), [_name(argument) for argument in call.args[:1]]
        if "train" in (given[0] or "").lower() if given else True:
            continue
        if name in _FITTING or name in _FUNCTIONS:
            return f"{ast.unparse(call.func)}"
        owner = _name(call.func.value) if isinstance(call.func, ast.Attribute) else None
        if name == "transform" and owner and scope.fitted.get(owner) == given[0]:
            return f"{owner}.fit"
    names = (n.id for n in ast.walk(value) if isinstance(n, ast.Name) and n.id in scope.derived)
    is_fit = any(_called(call) == "fit" for call in _calls(value))
    return None if is_fit else next((scope.derived[name] for name in names), None)


def _choice(value: ast.expr, scope: _Scope) -> str | None:
    """Name the samples that a search has chosen a value's parameters on, or None."""
    for node in ast.walk(value):
        if isinstance(node, ast.Attribute) and node.attr in _FOUND:
            owner = _name(node.value)
            if owner in scope.searches and owner in scope.fitted:
                return scope.fitted[owner]
        if isinstance(node, ast.Name) and node.id in scope.chosen:
            return scope.chosen[node.id]
        if isinstance(node, ast.Call) and _called(node) == "FrozenEstimator" and node.args:
            return scope.fitted.get(_name(node.args[0]) or "")
    return None


def _calls(node: ast.AST) -> list[ast.Call]:
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else _name(function) or ""


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None
