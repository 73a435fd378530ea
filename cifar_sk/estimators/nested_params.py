"""``holder__name`` parameters whose names depend on another parameter's value."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator

from cifar_sk.errors import InputError, did_you_mean

__all__ = ["NestedParamsMixin"]


class NestedParamsMixin:
    """Lets ``network__depth`` or ``optimizer__momentum`` be got, set and searched.

    A network is a function and an optimiser a class, so neither has parameters that
    scikit-learn could nest. Their keywords are held in a dict parameter instead, and shown as
    if they were nested.
    """

    def _nested_params(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Prefixes of nested parameters: the parameter that holds them, and their defaults."""
        raise NotImplementedError

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, with `deep` also those of the optimiser and the network.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list ``optimizer__momentum``, ``network__depth`` and the like.

        Returns
        -------
        dict
        """
        params = BaseEstimator.get_params(self, deep=False)
        if deep:
            for prefix, (holder, defaults) in self._nested_params().items():
                values = {**defaults, **(params[holder] or {})}
                params.update({f"{prefix}__{name}": value for name, value in values.items()})
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, nested ones (``optimizer__momentum``) included.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For a name that is no parameter.
        """
        # What nested names mean depends on the others, so those are set first.
        for name, value in sorted(params.items(), key=lambda item: "__" in item[0]):
            prefix, _, nested = name.partition("__")
            holder, defaults = self._nested_params().get(prefix, ("", {})) if nested else ("", {})
            if nested and nested in defaults:
                # A new dict each time: clones must not share it.
                setattr(self, holder, {**(getattr(self, holder) or {}), nested: value})
            elif name in BaseEstimator.get_params(self, deep=False):
                setattr(self, name, value)
            else:
                raise InputError(
                    f"{type(self).__name__} has no parameter {name!r}"
                    f"{did_you_mean(name, self.get_params())}."
                )
        return self
