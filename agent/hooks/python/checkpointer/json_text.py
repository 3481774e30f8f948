"""JSON from the trainer, checked before it travels: what comes back must be what was given."""

from __future__ import annotations

import json
import math

from .errors import StateTypeError, StateValueError

#: Deepest nesting of ``extra``, as the index format has it.
MAX_DEPTH = 64


def dump(value, max_bytes: int, what: str) -> str:
    """``value`` as compact JSON text of at most ``max_bytes`` in UTF-8.

    Refuses what would not come back equal: keys that are no strings, NaN and infinities, numbers and arrays of other
    libraries. Tuples come back as lists.
    """
    _check(value, what, 1)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise StateValueError(f"{what} holds a string that is no Unicode text (a lone surrogate).") from None
    if size > max_bytes:
        raise StateValueError(f"{what} has {size} bytes as JSON; at most {max_bytes} fit. Bulk belongs into the state.")
    return text


def _check(value, where: str, depth: int) -> None:
    if depth > MAX_DEPTH and isinstance(value, (dict, list, tuple)):
        raise StateValueError(f"{where} is nested deeper than {MAX_DEPTH}.")
    if value is None or isinstance(value, (str, bool)) or type(value) is int:
        return
    if type(value) is float:
        if not math.isfinite(value):
            raise StateValueError(f"{where} is {value}, which JSON cannot hold.")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise StateTypeError(f"{where} has the key {key!r}; JSON keys are strings.")
            _check(item, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _check(item, f"{where}[{i}]", depth + 1)
    else:
        raise StateTypeError(
            f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which is no JSON value; "
            "convert it (for example with .item() or .tolist()), or put tensors into the state."
        )


def number(value: float):
    """A double as the ledger's JSON has it: the non-finite ones are strings."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
