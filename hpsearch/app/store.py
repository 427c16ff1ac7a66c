"""Where studies are kept: `--store`, else HPSEARCH_STORE, else `mlruns` in the current folder."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from hpsearch.errors import StoreError


def store_folder(given: str | Path | None = None, *, create: bool = False) -> Path:
    """Return the store's absolute path. Raises StoreError where it cannot be used."""
    path = Path(given or os.environ.get("HPSEARCH_STORE") or "mlruns").expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file; name a folder with --store")
    if create:
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror}; name another folder with --store") from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise StoreError(f"{path} is not writable for user {getpass.getuser()}; name another with --store")
    return path
