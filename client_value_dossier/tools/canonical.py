"""One way to write data as JSON, so that a digest can seal it.

Equal data give equal bytes, also after PostgreSQL has stored them as ``jsonb`` and
given them back: there keys change their order, ``1e20`` comes back as an integer
of 21 digits and ``-0.0`` loses its sign.
"""

import hashlib
import json
import math
from decimal import Decimal


def canonical_json(data):
    """Return the canonical JSON of plain data, as UTF-8 bytes.

    Keys are sorted, there is no white space, and a float without a fraction is
    written as an integer, as 5.0 and 5 are the same number to PostgreSQL.

    :param data: None, bool, int, float, str, or lists and dicts (keys: str) of them
    :raise TypeError: a value or a key of another type
    :raise ValueError: NaN, an infinite number, or text which PostgreSQL cannot
        store (the character NUL, half a surrogate pair)

    Both errors name the place, such as ``$.sections[0].lines[12].amount``.
    """
    return json.dumps(
        _plain(data, "$"),
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def digest(data):
    """Return the SHA-256 of the data's canonical JSON, as 64 hexadecimal digits.

    Takes and raises the same as :func:`canonical_json`.
    """
    return hashlib.sha256(canonical_json(data)).hexdigest()


def _plain(value, path):
    """Return ``value`` with each number in its one form, or raise."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _checked_text(value, path)
    if isinstance(value, float):
        return _plain_float(value, path)
    if isinstance(value, list):
        return [_plain(item, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{path}: the key {key!r} is not text")
        return {
            _checked_text(key, path): _plain(item, f"{path}.{key}")
            for key, item in value.items()
        }
    raise TypeError(f"{path}: {type(value).__name__} is not plain data")


def _plain_float(value, path):
    if not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not a number that JSON can hold")
    if value.is_integer():
        # By way of its shortest decimal form, which is what JSON carries to the
        # database: int(1e23) would be 99999999999999991611392.
        return int(Decimal(repr(float(value))))
    return value


def _checked_text(text, path):
    if "\0" in text:
        raise ValueError(f"{path}: the text holds the character NUL")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"{path}: the text holds half a surrogate pair")
    return text
