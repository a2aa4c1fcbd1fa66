"""Markdown beyond the core, as other programs write it, in terms of lwtui's Markdown.

Link definitions and footnotes are resolved, comments are dropped, and marks of Obsidian, pandoc and novelWriter become
plain Markdown. What has no place in a document is counted. Code is left alone.
"""

from __future__ import annotations

from typing import Any

import regex
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import normalizeReference

from lwtui.documents.export.markup import slug
from lwtui.documents.importing.imported import ImportReport
from lwtui.documents.markdown_source import outside_code, without_lines
from lwtui.documents.plain_text import parse_blocks
from lwtui.translation import _

SYNOPSIS = "\ufdd1"  # begins a line with the synopsis of a section
# Code comes first, so that a comment in it is no comment.
_COMMENTS = regex.compile(
    r"(?P<code>^(?P<fence>`{3,}|~{3,})[^\n]*\n(?:(?!^(?P=fence)).*\n?)*?^(?P=fence)[`~]*[ \t]*$"
    r"|(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<before>^[ \t]*)?(?:<!--(?P<html>[\s\S]*?)-->|(?<![\w%])%%(?![%~])(?P<obsidian>[\s\S]+?)%%(?![%\w]))"
    r"(?P<after>[ \t]*\n)?",
    regex.MULTILINE,
)
_DEFINITION = regex.compile(r"^ {0,3}\[(?P<label>(?:[^\[\]\\]|\\.)+)\]:[ \t]*\n?[ \t]*<?(?P<address>[^\s>]*)")
_COMMENT_LABELS = frozenset({"//", "#", "comment", "_"})  # [//]: # (a comment)
_REFERENCE = regex.compile(
    r"(?<!\\)(?P<mark>!?)\[(?P<shown>(?:[^\[\]\\]|\\.|!?\[(?:[^\[\]\\]|\\.)*\](?:\([^()\s]*\)|\[[^\[\]]*\])?)+)\]"
    r"(?:\[(?P<label>[^\[\]]*)\])?(?![\[(:])"
)
_CONTENTS_MARK = regex.compile(
    r"(?mi)^(?:\[\[?_?toc_?\]\]?|\$\{toc\}|\{\{ ?toc ?\}\}|\\tableofcontents)[ \t]*(?:\n|\Z)"
)
_WIKI_LINK = regex.compile(r"(?<!\\)(?P<embed>!?)\[\[(?P<target>[^\[\]|\n]+)(?:\\?\|(?P<shown>[^\[\]\n]*))?\]\]")
_OBSIDIAN_MARKS = ("[[", "==", "[!", "^")
_HIGHLIGHT = regex.compile(r"(?<![\w=\\])==(?=[^\s=])(?P<text>[^\n]+?)(?<=[^\s=])==(?![\w=])")
_BLOCK_ID = regex.compile(r"(?m)(?:(?<=\S)[ \t]+|^)\^[A-Za-z0-9-]+[ \t]*$")
_CALLOUT = regex.compile(r"(?m)^(?P<quote>[ \t]*(?:>[ \t]*)+)\[!(?P<kind>[\w-]+)\][+-]?[ \t]*(?P<title>[^\n]*)$")
_INLINE_NOTE = regex.compile(r"(?<![\\\w\]])?\^\[(?P<text>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\])+)\](?!\()")
_ATTRIBUTES = regex.compile(
    r"(?m)^(?P<heading>#{1,6}[ \t]+[^\n]*?)[ \t]*\{:?[ \t]*(?P<attributes>(?:[#.][\w:-]+|-|[\w-]+=(?:\"[^\"\n]*\"|\S+))"
    r"(?:[ \t]+(?:[#.][\w:-]+|-|[\w-]+=(?:\"[^\"\n]*\"|[^\s}]+)))*)[ \t]*\}[ \t#]*$"
)
_PICTURE_ENDINGS = regex.compile(r"(?i)\.(?:png|jpe?g|gif|svg|webp|avif|bmp|tiff?)$")
_MEDIA_ENDINGS = regex.compile(r"(?i)\.(?:pdf|mp[34]|m4a|mov|wav|webm|ogg|canvas)$")
_PICTURE_SIZE = regex.compile(r"\d{1,4}(?:x\d{1,4})?")
_HTML_TAG = regex.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")

# novelWriter: the first lines of a file, tags, comments, shortcodes and alignment.
_NOVELWRITER_META = regex.compile(r"(?m)^%%~(?P<key>\w+):[ \t]*(?P<value>[^\n]*)(?:\n|\Z)")
_NOVELWRITER_SIGN = regex.compile(
    r"(?m)\A\s*%%~\w+:|^#{1,4}![ \t]|^@(?:pov|focus|char|plot|time|location|object|entity|custom|mention|tag)[ \t]*:"
)
_NOVELWRITER_TAG = regex.compile(r"(?m)^@\w+[ \t]*:[^\n]*(?:\n|\Z)")
_NOVELWRITER_NOTE = regex.compile(r"(?mi)^%[ \t]*footnote\.(?P<label>\w+)[ \t]*:[ \t]*(?P<text>[^\n]*)$")
_NOVELWRITER_SYNOPSIS = regex.compile(r"(?mi)^%[ \t]*(?:synopsis|short)[ \t]*:[ \t]*(?P<text>[^\n]*)$")
_NOVELWRITER_COMMENT = regex.compile(r"(?m)^%[^\n]*(?:\n|\Z)")
_NOVELWRITER_ALIGNED = regex.compile(
    r"(?m)^>{1,2}[ \t]+(?P<text>[^\n]*?)(?:[ \t]*<{1,2})?[ \t]*$|^(?P<left>[^\n]*?\S)[ \t]*<{1,2}[ \t]*$"
)
_SHORTCODES = {"b": "**", "i": "*", "s": "~~"}
_SHORTCODE = regex.compile(r"(?i)\[/?(?P<name>b|i|s|u|m|sup|sub|br|new ?page|vspace(?::\d+)?)\]")
_NOVELWRITER_REFERENCE = regex.compile(r"(?i)\[footnote:(?P<label>\w+)\]")


def core_markdown(text: str, report: ImportReport) -> str:
    """Turn the Markdown of another program into lwtui's, and count what is lost."""
    if _NOVELWRITER_SIGN.search(text):
        text = from_novelwriter(text, report)
    text = _without_comments(text, report)
    if _CONTENTS_MARK.search(text):
        text = outside_code(text, lambda stretch: _without_contents(stretch, report))
    if any(mark in text for mark in _OBSIDIAN_MARKS):
        text = outside_code(text, lambda stretch: _from_obsidian(stretch, report))
    text = _with_inline_notes(text)
    text = _without_attributes(text)
    text = _with_inline_links(text, report)
    tags: list[str] = []
    if _HTML_TAG.search(text):
        outside_code(text, lambda stretch: _collect(tags, stretch))
    if tags:
        report.remark(_("HTML is kept as text: {tags}.", tags=", ".join(dict.fromkeys(tags[:3]))))
    return text


def from_novelwriter(text: str, report: ImportReport) -> str:
    """Turn the marks of novelWriter into Markdown. A synopsis becomes a line that begins with :data:`SYNOPSIS`."""
    text = _NOVELWRITER_META.sub("", text)
    report.lose("tag of novelWriter", len(_NOVELWRITER_TAG.findall(text)))
    text = _NOVELWRITER_TAG.sub("", text)
    text = _NOVELWRITER_NOTE.sub(r"[^\g<label>]: \g<text>", text)
    text = _NOVELWRITER_SYNOPSIS.sub(lambda match: f"\n{SYNOPSIS}{match['text'].strip()}\n", text)
    report.lose("comment", len(_NOVELWRITER_COMMENT.findall(text)))
    text = _NOVELWRITER_COMMENT.sub("", text)
    text = regex.sub(r"(?m)^(#{1,4})![ \t]", r"\1 ", text)
    text = _NOVELWRITER_ALIGNED.sub(lambda match: match["left"] or match["text"] or "", text)
    text = _NOVELWRITER_REFERENCE.sub(r"[^\g<label>]", text)
    return _SHORTCODE.sub(_shortcode, text)


def document_name(text: str) -> str:
    """Return the name that novelWriter gives a file, or an empty string."""
    names = {match["key"]: match["value"].strip() for match in _NOVELWRITER_META.finditer(text)}
    return names.get("name", "")


def _shortcode(match: regex.Match[str]) -> str:
    name = match["name"].lower()
    return "\\\n" if name == "br" else _SHORTCODES.get(name, "")


def _without_comments(text: str, report: ImportReport) -> str:
    if "<!--" not in text and "%%" not in text:
        return text

    def dropped(match: regex.Match[str]) -> str:
        if match["code"] is not None:
            return str(match[0])
        if (match["html"] or match["obsidian"] or "").strip():
            report.lose("comment")
        if match["before"] is not None and match["after"] is not None:
            return ""  # the comment has lines of its own
        return (match["before"] or "") + (match["after"] or "")

    return _COMMENTS.sub(dropped, text)


def _without_contents(text: str, report: ImportReport) -> str:
    """Remove marks for a table of contents, which an export generates itself."""
    report.lose("table of contents", len(_CONTENTS_MARK.findall(text)))
    return _CONTENTS_MARK.sub("", text)


def _from_obsidian(text: str, report: ImportReport) -> str:
    def link(match: regex.Match[str]) -> str:
        target, shown = match["target"].strip(), (match["shown"] or "").strip()
        if match["embed"]:
            if _PICTURE_ENDINGS.search(target):
                width = f"{{width={shown.partition('x')[0]}px}}" if _PICTURE_SIZE.fullmatch(shown) else ""
                return f"![{'' if width else shown}]({_shown_address(target)}){width}"
            if _MEDIA_ENDINGS.search(target):
                report.lose("embedded file")
                return shown
            report.lose("embedded note")
            return shown or target
        return shown or target.lstrip("#").replace("#", " > ")

    text = _WIKI_LINK.sub(link, text)
    text = _HIGHLIGHT.sub(r"\g<text>", text)
    text = _CALLOUT.sub(_callout, text)
    return _BLOCK_ID.sub("", text)


def _shown_address(target: str) -> str:
    return f"<{target}>" if regex.search(r"[\s()]", target) else target


def _callout(match: regex.Match[str]) -> str:
    quote = match["quote"].rstrip()
    return f"{quote} **{match['title'].strip() or match['kind'].capitalize()}**\n{quote}"


def _with_inline_notes(text: str) -> str:
    """Turn footnotes within the text, ``^[like this]``, into footnotes with a definition."""
    if "^[" not in text:
        return text
    definitions: list[str] = []
    taken = set(regex.findall(r"\[\^(\d+)\]", text))

    def numbered(match: regex.Match[str]) -> str:
        number = 1
        while str(number) in taken:
            number += 1
        taken.add(str(number))
        definitions.append(f"[^{number}]: {match['text'].strip()}")
        return f"[^{number}]"

    text = outside_code(text, lambda stretch: _INLINE_NOTE.sub(numbered, stretch))
    return "\n\n".join([text.rstrip("\n"), *definitions]) if definitions else text


def _without_attributes(text: str) -> str:
    """Remove the attributes of headings, and let links to their names lead to the headings."""
    if not _ATTRIBUTES.search(text):
        return text
    names: dict[str, str] = {}

    def bare(match: regex.Match[str]) -> str:
        heading = match["heading"].rstrip()
        if name := regex.search(r"#([\w:-]+)", match["attributes"]):
            names[name[1]] = slug(heading.lstrip("# "))
        return heading

    text = outside_code(text, lambda stretch: _ATTRIBUTES.sub(bare, stretch), formulas=True)
    if not names:
        return text
    link = regex.compile(r"\]\(#(?P<name>[\w:-]+)\)")
    return outside_code(
        text, lambda stretch: link.sub(lambda match: f"](#{names.get(match['name'], match['name'])})", stretch)
    )


def _with_inline_links(text: str, report: ImportReport) -> str:
    """Put the address of each link definition where it is used, because a section stands alone."""
    if "]:" not in text:
        return text
    env: dict[str, Any] = {}
    parse_blocks(text, env)
    references = env.get("references", {})
    if not references:
        return text
    lines = text.split("\n")
    addresses: dict[str, str] = {}
    removed: list[str] = []
    ranges = [tuple(found["map"]) for found in env.get("duplicate_refs", ()) if "map" in found]
    for label, found in references.items():
        first, last = found["map"]
        source = _DEFINITION.match("\n".join(lines[first:last]))
        if source is None:
            continue  # in a quote or a list, where it stays
        addresses[label] = _target(source["address"], str(found["href"]), str(found["title"] or ""))
        ranges.append((first, last))
        removed.append(label)
    used: set[str] = set()
    text = without_lines(lines, ranges)
    text = outside_code(text, lambda stretch: _inlined(stretch, addresses, used))
    for label in removed:
        if label.lower() in _COMMENT_LABELS:
            report.lose("comment")
        elif label not in used:
            report.lose("unused link definition")
    return text


def _inlined(text: str, addresses: dict[str, str], used: set[str]) -> str:
    def inline(match: regex.Match[str]) -> str:
        shown = _inlined(match["shown"], addresses, used) if "[" in match["shown"] else match["shown"]
        label = normalizeReference(match["label"] or match["shown"])
        if label not in addresses or match["shown"].startswith("^"):
            return f"{match['mark']}[{shown}]" + (f"[{match['label']}]" if match["label"] is not None else "")
        used.add(label)
        return f"{match['mark']}[{shown}]({addresses[label]})"

    return _REFERENCE.sub(inline, text)


def _target(source: str, address: str, title: str) -> str:
    """Return what stands in the parentheses of a link. The source is more readable than the encoded address."""
    shown = source if normalizeLink(source) == address else address
    if not shown or regex.search(r"[\s()<>]", shown):
        shown = f"<{address.replace('<', '%3C').replace('>', '%3E')}>"
    escaped = title.replace("\\", "\\\\").replace('"', '\\"')
    return f'{shown} "{escaped}"' if title else shown


def _collect(tags: list[str], text: str) -> str:
    tags += (tag for tag in _HTML_TAG.findall(text) if not tag.lower().startswith("<br"))
    return text
