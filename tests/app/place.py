"""A home folder with settings and documents for one test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings, add_model, set_value
from lwtui.documents.model import Brief, Plan, PlannedSection, Provenance, Status
from lwtui.documents.store import Document
from lwtui.models.usage import Usage
from tests.support.author import title_of
from tests.support.fault_server import FaultServer

INSTRUCTION = "Write a guide to growing tomatoes on a balcony"


@dataclass(frozen=True)
class Place:
    home: Path

    @property
    def documents(self) -> Path:
        return self.home / "documents"

    @property
    def settings_text(self) -> str:
        return (self.home / "config" / "settings.toml").read_text()

    def serve(self, server: FaultServer, name: str = "writer", **changes: Any) -> ModelSettings:
        """Add a model of ``server`` to the settings and make it the default."""
        options = {"context_length": 32_768, "connect_seconds": 2.0, "stall_seconds": 60.0, "retry_seconds": 20.0}
        model = ModelSettings(name, model="m-1", base_url=server.base_url, **(options | changes))
        add_model(model)
        set_value("model", name)
        return model

    def make(self, *targets: int, name: str = "guide", texts: Mapping[int, str] | None = None, **brief: Any) -> Path:
        """Create a document with a section for each target; ``texts`` (by number, from 1) are written by a model."""
        path = self.documents / f"{name}.lw"
        path.parent.mkdir(exist_ok=True)
        sections = (
            PlannedSection(title_of(number), f"what part {number} is about", words, f"s{number}")
            for number, words in enumerate(targets, 1)
        )
        asked = Brief(INSTRUCTION, sum(targets) or 400, **({"model": "writer", "seed": 1} | brief))
        with Document.create(path, asked, Plan("A Plan", tuple(sections)) if targets else None) as document:
            for number, text in (texts or {}).items():
                write(document, f"s{number}", text)
        return path

    def read(self, path: Path) -> dict[str, str]:
        """Return the text of each section, as another program reads it from the file."""
        with Document.open(path, read_only=True) as document:
            return {section.id: section.text for section in document.sections()}


def write(document: Document, section_id: str, text: str, status: Status = Status.DONE) -> None:
    """Write ``text`` into a section as a model does."""
    made, usage = Provenance("writer", sampling={"temperature": 0.8}, seed=1), Usage(120, 80)
    document.begin(section_id, made, 0)
    document.append(section_id, text)
    document.finish(section_id, status, usage)
    document.add_usage(usage)
