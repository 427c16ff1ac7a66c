"""What is wrong with a request for predictions, before MLflow sees it: every fault is the client's, and named."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MOST_ROWS = 100_000
"""Of one request."""

MOST_CELLS = 10_000_000
"""Of one request's table: a row that names a column of its own adds one to all."""

Fault = tuple[int, str]
"""HTTP status and message."""

_MOST_BITS = 1000
"""Of a whole number: more than a float can hold."""

_FORMATS = ("dataframe_records", "dataframe_split")
_FORM = (
    'send {"dataframe_records": [{"column": value, ...}, ...]} '
    'or {"dataframe_split": {"columns": [...], "data": [...]}}'
)


def payload_fault(body: bytes) -> Fault | None:
    """Return why a request's body is no table of plain cells, naming row and column; None where it is one.

    Which columns the model needs, and what their cells may hold, is for the model to say.
    """
    try:
        given = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return 400, f"the request is no JSON ({str(error)[:120] or 'nested too deeply'}); {_FORM}"
    if not isinstance(given, dict):
        return 400, f"the request is no JSON object; {_FORM}"
    names = [name for name in given if name in _FORMATS]
    if len(names) != 1 or len(given) != 1:
        return 400, f"the request has {', '.join(map(_shown, given)) or 'nothing in it'}; {_FORM}"
    rows = given[names[0]]
    return _split_fault(rows) if names[0] == "dataframe_split" else _records_fault(rows)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; an unknown cell is null")


def _records_fault(rows: Any) -> Fault | None:
    if not isinstance(rows, list):
        return 400, f"dataframe_records is no list; {_FORM}"
    if len(rows) > MOST_ROWS:
        return _too_many(rows)
    columns: set[str] = set()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            return 400, f"row {number} is no object; {_FORM}"
        for name, cell in row.items():
            if not _is_plain(cell):
                return _no_cell(number, name)
        columns.update(row)
    if len(columns) * len(rows) > MOST_CELLS:
        return 413, f"the request has {len(columns):,} columns in {len(rows):,} rows; at most {MOST_CELLS:,} cells"
    return None


def _split_fault(table: Any) -> Fault | None:
    if not isinstance(table, dict) or not table.keys() <= {"columns", "data", "index"}:
        return 400, f"dataframe_split is no object of columns and data; {_FORM}"
    columns, rows = table.get("columns"), table.get("data")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return 400, f"dataframe_split.columns is no list of names; {_FORM}"
    if len(set(columns)) < len(columns):
        return 400, "dataframe_split.columns has a name twice; keep one"
    if not isinstance(rows, list):
        return 400, f"dataframe_split.data is no list of rows; {_FORM}"
    if len(rows) > MOST_ROWS:
        return _too_many(rows)
    index = table.get("index", [])
    if not isinstance(index, list) or ("index" in table and len(index) != len(rows)) or not all(map(_is_plain, index)):
        return 400, "dataframe_split.index is no list of one value a row; leave it out"
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(columns):
            count = f"{len(row)} cells" if isinstance(row, list) else "no cells"
            return 400, f"row {number} has {count} where dataframe_split.columns has {len(columns)}"
        for name, cell in zip(columns, row, strict=True):
            if not _is_plain(cell):
                return _no_cell(number, name)
    return None


def _is_plain(cell: Any) -> bool:
    return cell is None or isinstance(cell, str | float) or (isinstance(cell, int) and cell.bit_length() <= _MOST_BITS)


def _no_cell(number: int, name: str) -> Fault:
    return 400, (
        f"row {number}, column {_shown(name)}: a list, an object or a number of hundreds of digits is no cell; "
        "give a number, a text or null"
    )


def _too_many(rows: list[Any]) -> Fault:
    return 413, f"the request has {len(rows):,} rows; at most {MOST_ROWS:,} are taken at a time"


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:59]}…")
