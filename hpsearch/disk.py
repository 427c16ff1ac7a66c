"""What a disk refuses, in words; and whether a folder is fit to keep a study: room, locks, a disk of this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

NETWORK = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs2",
        "gpfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
        "fuse.ceph",
        "fuse.davfs",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.mount-s3",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
    }
)
"""File systems, as /proc/mounts names them, where another machine keeps the files: locks and syncs are its word."""

MOUNTS = Path("/proc/self/mounts")

_AGAIN = "run the same command again (what is finished is kept)"


@dataclass(frozen=True)
class Mount:
    """A file system and where it is mounted."""

    point: Path
    kind: str


REFUSED = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR}
)
"""What a disk or its owner answers, through no fault of a program."""


def refusal(
    path: Path | str, error: OSError, needed: int | None = None, instead: str = "give another folder with --store"
) -> str:
    """Return why a file cannot be written, with the bytes that were needed and are free, and what to do about it."""
    path, what = Path(path), error.strerror or str(error)
    need = "" if needed is None else f"{needed:,} bytes are needed, "
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = f"{what} ({need}{free_bytes(path):,} are free)"
        fix = f"free some space and {_AGAIN}"
    elif error.errno == errno.EFBIG:
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        most = "" if limit == resource.RLIM_INFINITY else f"a file may have {limit:,} at most, "
        what = f"{what} ({need}{most}{free_bytes(path):,} are free)"
        fix = f"raise the limit (ulimit -f) or free some space, and {_AGAIN}"
    elif error.errno in (errno.EIO, errno.ENOENT, errno.ESTALE):
        fix = f"see to its folder and its disk, and {_AGAIN}"
    else:
        what = f"{what} (user {user()})"
        fix = f"have it made writable for this user, or {instead}"
    return f"{path} cannot be written: {what}; {fix}"


def free_bytes(path: Path) -> int:
    """Return how many bytes this user may still write where a path is, or would be."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    found = os.statvfs(there)
    return found.f_bavail * found.f_frsize


def user() -> str:
    """Return the name this process runs under, or its number where it has none."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def unwritable(folder: Path) -> OSError | None:
    """Return why nothing can be written, synced and locked in a folder that is there; None where all works."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".probe-") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error
    return None


def network_mount(path: Path, mounts: Path = MOUNTS) -> Mount | None:
    """Return the network file system a path is on; None for a disk of this machine, and where nobody can tell."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = Path(os.path.realpath(path))
    found = Mount(Path("/"), "")
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_unescaped(fields[1]))
        # Of two mounts on the same point the later one is seen.
        if place.is_relative_to(point) and len(point.parts) >= len(found.point.parts):
            found = Mount(point, fields[2])
    return found if found.kind in NETWORK else None


def _unescaped(text: str) -> str:
    for code, char in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        text = text.replace(f"\\{code}", char)
    return text
