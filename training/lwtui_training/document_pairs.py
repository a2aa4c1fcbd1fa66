"""Preference pairs from documents, in which a person has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lwtui.documents.model import Origin, Revision
from lwtui.documents.store import Document
from lwtui_training.row_formats import Row

_MIN_COMPLETE = 0.6  # a candidate shorter than this share of the longest was stopped early


def document_pairs(source: Path) -> Iterator[Row]:
    """Yield pairs from documents: a section's current text over the versions that a person rejected for it.

    Args:
        source: A ``.lw`` file, or a folder that is searched for them.
    """
    paths = sorted(source.rglob("*.lw")) if source.is_dir() else [source]
    for path in paths:
        with Document.open(path, read_only=True) as document:
            for section in document.sections():
                rejected = rejected_versions(section.text, document.revisions(section.id))
                if not section.text.strip() or not rejected:
                    continue
                prompt = (
                    f"{document.brief.instruction}\n\nWrite the section {section.title!r}: {section.main_point} "
                    f"({section.words} words)"
                )
                for text in rejected:
                    yield {
                        "prompt": [{"role": "user", "content": prompt}],
                        "chosen": [{"role": "assistant", "content": section.text}],
                        "rejected": [{"role": "assistant", "content": text}],
                    }


def rejected_versions(text: str, revisions: Sequence[Revision]) -> list[str]:
    """Return the versions that a person rejected in favor of ``text``.

    These are the other candidates of the latest request for candidates, except those stopped early; without candidates,
    the first version that the model wrote.

    Args:
        text: The text that was kept.
        revisions: All versions of the section, the newest first.
    """
    others = [
        revision
        for revision in revisions
        if revision.origin is Origin.MODEL and revision.text.strip() not in ("", text.strip())
    ]
    candidates = [
        revision for revision in revisions if revision.provenance is not None and revision.provenance.is_candidate
    ]
    if not candidates or candidates[0].provenance is None:
        return [revision.text for revision in others[-1:]]
    request, longest = candidates[0].provenance.prompt_hash, max(candidate.length for candidate in candidates)
    rejected = [
        candidate
        for candidate in candidates
        if candidate in others and candidate.provenance and candidate.provenance.prompt_hash == request
    ]
    return list(dict.fromkeys(version.text for version in rejected if version.length >= longest * _MIN_COMPLETE))
