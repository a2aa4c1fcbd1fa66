"""A small table in the cache folder for what was measured of each model on this machine.

Everything in it can be measured again, so a table that cannot be read or written is no error.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from lwtui.config import ModelSettings, cache_folder, public_address
from lwtui.files import write_atomically

_MOST_ENTRIES = 200
_LOGGER = logging.getLogger(__name__)


def model_key(model: ModelSettings) -> str:
    """Return the key that identifies a model on this machine."""
    if model.provider == "llama_cpp":
        return f"llama_cpp {model.path or model.name}"
    return f"{public_address(model.base_url)} {model.model or model.name}"


@dataclass(frozen=True)
class CacheTable:
    """The table in the file ``name`` of the cache folder. It keeps only the newest 200 entries."""

    name: str

    @property
    def path(self) -> Path:
        """The path of the file."""
        return cache_folder() / self.name

    def get(self, key: str) -> object:
        """Return the entry under ``key``, or ``None`` if there is none."""
        return self._read().get(key)

    def put(self, key: str, entry: object) -> None:
        """Store ``entry`` under ``key``."""
        table = self._read()
        table.pop(key, None)
        table[key] = entry
        kept = dict(list(table.items())[-_MOST_ENTRIES:])
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, json.dumps(kept, indent=1))
        except OSError as error:
            _LOGGER.info("what was measured cannot be kept in %s: %s", self.name, error)

    def _read(self) -> dict[str, object]:
        try:
            table = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # missing or damaged: measured again
        return table if isinstance(table, dict) else {}
