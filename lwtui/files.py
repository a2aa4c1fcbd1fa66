"""Writing a file so that a reader sees the old one or the new one, whole."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` beside ``path``, flush it to the disk, then put it in place in one step.

    Raises ``OSError``; the old file is then still there and no half-written one is left behind.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else new_file_mode()
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def new_file_mode() -> int:
    """The permissions that this process gives a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
