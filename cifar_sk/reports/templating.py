"""Pages of one file that loads nothing: what all of them share."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import pandas as pd

from cifar_sk.metrics.wording import probability_text

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["content_security_policy", "number", "pair", "plain_text", "render"]


def render(template: str, *, scripts: Sequence[str] = ("tables.js",), **values: Any) -> str:
    """Return a template of ``templates/`` as a page that cannot load anything; text is escaped."""
    style, *sources = (_source(name) for name in ("report.css", *scripts))
    policy = content_security_policy(style, *sources)
    page = _environment().get_template(template)
    return page.render(policy=policy, style=style, scripts=sources, **values)


def number(value: float, text: str = "{:.4f}") -> str:
    """Write a number, or a dash for NaN."""
    return "–" if pd.isna(value) else text.format(value)


def pair(first: float, second: float, join: str, text: str = "{:.4f}") -> str:
    """Write two numbers that belong together, or a dash if the first is NaN.

    >>> pair(0.5, 0.1, "±")
    '0.5000 ± 0.1000'
    """
    text = text.replace(".0f", ".1f")  # the mean of a count has a fraction
    return "–" if pd.isna(first) else f"{text.format(first)} {join} {number(second, text)}"


def content_security_policy(*inlined: str) -> str:
    """Return a Content-Security-Policy for these style and script texts, to the letter.

    >>> content_security_policy("")[:47]
    "default-src 'none'; img-src data:; style-src 's"
    """
    digests = [hashlib.sha256(text.encode()).digest() for text in inlined]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; img-src data:; style-src {hashes}; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(name: str) -> str:
    return resources.files("cifar_sk.reports").joinpath("templates", name).read_text("utf-8")


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("cifar_sk.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"number": number, "pair": pair, "probability": probability_text}
    return found


def plain_text(value: Any) -> str:
    """Write a value, or values within, on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain_text(inner) for inner in value)
    return "–" if value is None else str(value)
