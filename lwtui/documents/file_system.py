"""What kind of folder a document lies in: on this machine, on the network, or in one that a service synchronizes."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import regex

from lwtui.system import is_network_drive, lock_range
from lwtui.translation import _

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = {
    "nfs": "NFS",
    "nfs4": "NFS",
    "cifs": "SMB",
    "smb3": "SMB",
    "smbfs": "SMB",
    "9p": _("9p, as Windows folders in WSL are"),
    "drvfs": _("a Windows folder in WSL"),
    "vboxsf": _("a folder shared with a virtual machine"),
    "vmhgfs": _("a folder shared with a virtual machine"),
    "virtiofs": _("a folder shared with a virtual machine"),
    "afs": "AFS",
    "ceph": "Ceph",
    "lustre": "Lustre",
    "glusterfs": "GlusterFS",
    "davfs": "WebDAV",
}
_LOCAL_FUSE = ("fuse.fuse-overlayfs", "fuse.bindfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuseblk")
# Folders that a service synchronizes, by their names.
_CLOUDS = (
    (regex.compile(r"(?i)dropbox(?: \(.*\))?"), "Dropbox"),
    (regex.compile(r"(?i)onedrive(?: -? ?.*)?"), "OneDrive"),
    (regex.compile(r"(?i)google ?drive|my drive|googledrive-.*"), "Google Drive"),
    (regex.compile(r"(?i)icloud ?drive|com~apple~clouddocs|mobile documents"), "iCloud"),
    (regex.compile(r"(?i)nextcloud|owncloud"), "Nextcloud"),
    (regex.compile(r"(?i)pcloud ?drive|box sync|box-box|megasync"), _("a cloud service")),
)
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


def folder_kind(path: Path) -> str:
    """Return what makes a folder special, as words that go after "is in": "a network folder (NFS)" or "OneDrive".

    Args:
        path: A file in it.

    Returns:
        The words, or an empty string for a folder of this machine.
    """
    folder = Path(os.path.realpath(path.parent))
    if is_network_drive(folder):
        return _("a network folder")
    kind = _mounted_as(folder)
    if kind in _NETWORK:
        return _("a network folder ({kind})", kind=_NETWORK[kind])
    if kind.startswith("fuse.") and kind not in _LOCAL_FUSE:
        return _("a network folder ({kind})", kind=kind.removeprefix("fuse."))
    if is_synced_by_file(folder):
        return _("a folder that {service} synchronizes", service="Syncthing")
    for part in folder.parts:
        for name, service in _CLOUDS:
            if name.fullmatch(part):
                return _("a folder that {service} synchronizes", service=service)
    return ""


def has_file_locks(path: Path) -> bool:
    """Tell whether programs can lock files in the folder of ``path``; some network folders cannot."""
    probe = path.with_name(f".{path.name}.probe")
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return True  # nobody can write there, and nobody needs a lock
    try:
        lock_range(descriptor)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            probe.unlink()
    return True


def is_synced_by_file(folder: Path) -> bool:
    """Tell whether a folder or one above it has the mark of Syncthing."""
    return any((above / ".stfolder").exists() for above in (folder, *folder.parents))


def _mounted_as(folder: Path) -> str:
    """Return the type of the file system that holds a folder; empty if that is unknown."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mount = regex.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1])
        is_above = mount == "/" or str(folder) == mount or str(folder).startswith(mount.rstrip("/") + "/")
        if is_above and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind
