"""What it means for a comparison that it was looked at several times, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_sk.comparison import wording
from cifar_sk.comparison.looks import Look, Looks
from cifar_sk.comparison.runs import Comparison
from cifar_sk.comparison.wording import ALPHA

__all__ = ["look_line", "looks_sentences"]


def looks_sentences(comparison: Comparison) -> list[str]:
    """Say how often a comparison was looked at, at which level, and what that decided."""
    looks = comparison.looks
    if looks is None or not looks.is_series:
        return []
    if looks.max_repeats is None:
        return [_added_by_hand(comparison, looks)]
    return [_sequential(comparison, looks), *_raised(looks)]


def _sequential(comparison: Comparison, looks: Looks) -> str:
    last, n = looks.looks[-1], len(looks.looks)
    times = f"{n} look{'s' if n > 1 else ''} at growing repeats, of at most {looks.planned}"
    return (
        f"After {times} (now {_repeats(last)}, {last.fits} fits of each run), "
        f"{_outcome(comparison, looks, last)}. Each look is at the level {last.level:.3g}, which "
        f"keeps {100 * ALPHA:g} % over all of them (Pocock); so the intervals of the procedure "
        f"test have {wording.percent(last.level)}."
    )


def _outcome(comparison: Comparison, looks: Looks, last: Look) -> str:
    if last.decision == "open":
        is_over = last.repeats >= (looks.max_repeats or 0)
        ended = f"the budget of {_times(looks.max_repeats or 0)} has ended without a decision"
        return ended if is_over else "nothing is decided yet"
    return _decided(last, comparison.metric, comparison.rope)


def _decided(look: Look, metric: str, rope: float) -> str:
    """Say what a look decided."""
    size = wording.region(rope, metric)
    return {
        "different": "the difference is shown",
        "equivalent": f"the difference is shown to be at most {size}: practical equivalence",
        "the same": "the runs are the same, and more repeats would not show any difference",
        "open": "nothing is decided yet",
    }[look.decision]


def _raised(looks: Looks) -> list[str]:
    if looks.first_max is None or looks.max_repeats == looks.first_max:
        return []
    text = (
        f"Looking was to end at {looks.first_max} repeats when it began, and at "
        f"{looks.max_repeats} now: a budget that is changed after looking does not keep "
        f"{100 * ALPHA:g} % exactly."
    )
    return [text]


def _added_by_hand(comparison: Comparison, looks: Looks) -> str:
    *before, last = looks.looks
    seen = wording.listing([_repeats(look) for look in before])
    return (
        f"These runs were looked at before, with {seen}, and have {_repeats(last)} now: every "
        f"look is a chance to find a difference that is none, and the first counts too. So p is "
        f"to be read at the level {comparison.level:.3g} instead of {ALPHA:g}, and the intervals "
        f"of the procedure test have {wording.percent(comparison.level)} (Pocock's limit for "
        f"{len(looks.looks)} looks); --until-certain counts looks from the beginning."
    )


def _repeats(look: Look) -> str:
    seeds = f" of {look.seeds} seeds" if look.seeds > 1 else ""
    return f"{_times(look.repeats)}{seeds}"


def _times(repeats: int) -> str:
    return f"{repeats} repeat{'' if repeats == 1 else 's'}"


def look_line(looks: Looks, names: Sequence[str], rope: float) -> str:
    """Write the last look on one line, for the terminal."""
    look, (first, second) = looks.looks[-1], names
    digits = wording.digits_for(look.high - look.low)
    size = wording.signed(look.estimate, looks.metric, digits=digits)
    inside = wording.interval(look.low, look.high, looks.metric, digits=digits)
    return (
        f"look {len(looks.looks)} of at most {looks.planned}, {_repeats(look)}, {look.fits} fits "
        f"each: {second} − {first} is {size}, {wording.percent(look.level)} interval {inside}; "
        f"{_decided(look, looks.metric, rope)}"
    )
