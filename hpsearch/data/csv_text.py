"""A CSV file's bytes as UTF-8 text: unpacked, decoded, and refused where they are no text at all."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from pathlib import Path

from hpsearch.data.faults import data_error
from hpsearch.data.memory import check_text
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection

_CHUNK = 1 << 24


def read_text(section: DataSection, path: Path) -> bytes:
    """Return the file's text as UTF-8, without byte order mark. Raises `DataError` with the line of what is wrong."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = _unpacked(section, path)
    _refuse_other_kinds(section, content)
    content = _as_utf8(section, content).removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise data_error(section, "data.csv", "the file is empty; a CSV file has a header line and rows")
    nul = content.find(b"\0")
    if nul >= 0:
        name = _likely_encoding(content)
        looks = _looks_like(name) if name.startswith("utf-16") else "the file is damaged; get it again"
        message = f"byte {nul:,} is NUL, which no text holds; {looks}"
        raise data_error(section, "data.csv", message, _line(content, nul))
    return content


def _unpacked(section: DataSection, path: Path) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.open(path) as file:
            while part := file.read(_CHUNK):
                parts.append(part)
                size += len(part)
                check_text(section, "data.csv", size)
    except (OSError, EOFError, zlib.error) as error:
        raise data_error(section, "data.csv", f"the gzip file is damaged: {error}; get it again") from None
    return b"".join(parts)


def _refuse_other_kinds(section: DataSection, content: bytes) -> None:
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    for pattern, kind, fix in _KINDS:
        if re.match(pattern, start, re.IGNORECASE | re.DOTALL):
            raise data_error(section, "data.csv", f"this is {kind}, not CSV; {fix}")


_KINDS = (
    (rb"PK\x03\x04", "a ZIP or Excel file", "save it as CSV"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file", "save it as CSV"),
    (rb"PAR1", "Parquet", "write parquet: PATH"),
    (rb"BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd", "a packed file", "unpack it, or pack it with gzip"),
    (rb"%PDF-|\x89PNG|\x89HDF|\x93NUMPY|SQLite format 3\x00", "another kind of file", "save it as CSV"),
    (rb"<!doctype html|<html\b|<\?xml ", "a web page or XML", "download the file itself, or save it as CSV"),
    (rb"\{\s*\"[^\"\n]*\"\s*:|\[\s*[\[{]", "JSON", "save it as CSV"),
)


def _as_utf8(section: DataSection, content: bytes) -> bytes:
    encoding = _codec(section)
    try:
        if encoding not in ("utf-8", "utf-8-sig"):
            return content.decode(encoding).encode("utf-8")
        if not content.isascii():
            for start in range(0, len(content), _CHUNK):
                _decode_chunk(content, start)
    except UnicodeDecodeError as error:
        raise _not_decoded(section, content, error.start) from None
    except UnicodeError as error:
        message = f"the text is not {section.encoding}: {error}; try encoding: {_likely_encoding(content)}"
        raise data_error(section, "data.encoding", message) from None
    return content


def _codec(section: DataSection) -> str:
    """Return Python's own name of the encoding. Raises `DataError` for one that does not make text of bytes."""
    try:
        io.TextIOWrapper(io.BytesIO(), section.encoding)  # raises where a codec makes no text, as base64
        name = codecs.lookup(section.encoding).name
    except (LookupError, ValueError):
        name = ""
    if not name or name in ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"):
        message = f"'{section.encoding}' is no known encoding of text; try utf-8, cp1252 or utf-16"
        raise data_error(section, "data.encoding", message)
    return name


def _decode_chunk(content: bytes, start: int) -> None:
    """Check one chunk; a character cut by its end belongs to the next one."""
    while start and start < len(content) and content[start] & 0xC0 == 0x80:
        start -= 1
    end = min(start + _CHUNK + 4, len(content))
    try:
        codecs.utf_8_decode(content[start:end], "strict", end == len(content))
    except UnicodeDecodeError as error:
        raise UnicodeDecodeError("utf-8", content, start + error.start, start + error.end, error.reason) from None


def _not_decoded(section: DataSection, content: bytes, at: int) -> DataError:
    likely = _likely_encoding(content)
    if codecs.lookup(likely).name == _codec(section):
        guess = "the file is damaged or cut short; get it again"
    else:
        western = likely in ("cp1252", "latin-1")
        guess = f"try encoding: {likely} (Western European)" if western else _looks_like(likely)
    line = _line(content[:at].decode(section.encoding, "replace").encode("utf-8", "replace"), None)
    message = f"byte {at:,} ({content[at]:#04x}) is not {section.encoding}; {guess}"
    return data_error(section, "data.encoding", message, line)


def _looks_like(encoding: str) -> str:
    return f"it looks like {encoding.upper()}; set encoding: {encoding}"


def _likely_encoding(content: bytes) -> str:
    """Guess by byte order mark, by where zeros stand, by whether bytes are UTF-8; else what Windows writes."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    start = content[:1000]
    if start[1::2].count(0) > 0.4 * len(start) / 2:
        return "utf-16-le"
    if start[::2].count(0) > 0.4 * len(start) / 2:
        return "utf-16-be"
    for name in ("utf-8", "cp1252"):
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
"""UTF-16's mark begins UTF-32's, which therefore comes first."""


def _line(content: bytes, at: int | None) -> int:
    """Return the line of a byte, from 1; lines end with LF, CR LF or CR."""
    before = content[:at]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
