"""A call that cannot be understood, told in one line: what was found; what is allowed; where to read more."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import as_written, printable


def in_one_line(error: Any) -> str:
    """Return what to print for one of Typer's usage errors; the help itself where nothing was asked for."""
    if "\n" in error.message:
        return str(error.message)
    command = error.ctx.command_path if error.ctx else "hpsearch"
    return printable(f"hpsearch: {_told(error).rstrip('.')}; see {command} --help")


def _told(error: Any) -> str:
    name = getattr(error, "param_hint", None)
    details = error.__cause__.errors()[0] if hasattr(error.__cause__, "errors") else None
    if details is not None and error.param is not None:
        return f"{error.param.opts[0]}: {_in_our_words(details)}"
    if name is not None:
        return f"{name}: {error.message}"
    return str(error.format_message()).removeprefix("Invalid value: ")


def _in_our_words(details: Any) -> str:
    """Say what pydantic, which reads Typer's options, finds wrong."""
    given, kind, bounds = as_written(details["input"]), details["type"], details.get("ctx", {})
    if kind.startswith("int_"):
        return f"{given} is not a whole number; write one"
    if kind == "greater_than_equal":
        return f"{given} is out of bounds; give a number of at least {bounds['ge']:,}"
    if kind == "less_than_equal":
        return f"{given} is out of bounds; give a number of at most {bounds['le']:,}"
    return str(details["msg"]).removeprefix("Value error, ")
