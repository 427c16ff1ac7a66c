"""A row of the hyperparameter table as a field of the study file: how it is read, written and described."""

from __future__ import annotations

from typing import Any

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

from hpsearch.space.domain import Domain
from hpsearch.space.parse import DomainError, parse_domain, write_domain
from hpsearch.space.table import ROWS, Row
from hpsearch.spec.values import faults


def row_field(name: str) -> Any:
    """Return what makes a field of a row: how it is read, written, and described in the JSON Schema."""
    row = ROWS[name]

    def parse(given: object) -> Domain | None:
        try:
            return None if given is None else parse_domain(row, given)
        except DomainError as error:
            raise faults(error.faults) from None

    schema = _schema(row) | {"description": row.meaning}
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(
            parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda domain: None if domain is None else write_domain(domain)
            ),
        ),
        lambda _schema, _handler: schema,
    )


def _schema(row: Row) -> dict[str, Any]:
    value: dict[str, Any] = {"type": {"int": "integer", "float": "number", "category": "string"}[row.kind]}
    if row.kind == "category":
        value["enum"] = list(getattr(row.legal, "choices", ()))
    else:
        value |= {"minimum": getattr(row.legal, "low", None), "maximum": getattr(row.legal, "high", None)}
    listed = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    spans: dict[str, Any] = {"low": value, "high": value, "step": {"type": "number"}, "log": {"type": "boolean"}}
    if row.per_layer:
        spans["per_layer"] = {"type": "boolean"}
    ranged = {"type": "object", "properties": spans, "additionalProperties": False}
    chosen = {"type": "object", "properties": {"choices": listed}, "required": ["choices"]}
    return {"anyOf": [value, listed, chosen] if row.kind == "category" else [value, listed, ranged, chosen]}
