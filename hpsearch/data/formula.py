"""Text that a spreadsheet would run: what is to be read as CSV by a person's program is made harmless here.

Only the standard library is imported: a package carries a copy of this file.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """Return a text with a `'` before it if a spreadsheet would read it as a formula; else, and a number, as it is.

    Formulas begin with = + - @ (also in full width), a tab or a return (CWE-1236).
    """
    if text.startswith(_BEGINNINGS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
