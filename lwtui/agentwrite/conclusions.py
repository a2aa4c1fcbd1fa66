"""Stops premature conclusions: most models close every section as if it were the last."""

from __future__ import annotations

import regex

from lwtui.agentwrite.filters import FilterVerdict, ForwardFilter, SectionText
from lwtui.translation import _

CONCLUDES = regex.compile(
    r"(?:in (?:conclusion|summary|closing|short|the end)|to (?:conclude|sum up|summari[sz]e)|overall|ultimately|"
    r"all in all|zusammenfassend|abschließend|alles in allem|insgesamt|en (?:conclusion|résumé|somme)|pour conclure|"
    r"en (?:conclusión|resumen)|para concluir|in conclusione|em (?:conclusão|resumo))\b"
    r"|总之|总而言之|总的来说|综上|結論|まとめると",
    regex.IGNORECASE,
)
_HEADING = regex.compile(
    r"\s{0,3}(?:#{1,6}\s+|\*\*)(?:\d+[.)]\s*)?(?:conclusions?|summary|final thoughts|closing(?: remarks| thoughts)?|"
    r"schluss|fazit|zusammenfassung|结论|总结|结语|小结|結論|まとめ|おわりに)[\s*:：#]*",
    regex.IGNORECASE,
)
_BREAK = regex.compile(r"\n\s*\n|\A")
_LEAST_OPENING = 20  # characters of a paragraph that show whether it concludes


class ConclusionFilter(ForwardFilter):
    """Ends a section before a concluding paragraph (see :class:`lwtui.agentwrite.filters.TextFilter`).

    Not for the last section. The first paragraph of a section may say anything.
    """

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        whole = text.text
        for match in _BREAK.finditer(whole, self._checked):
            start = match.end()
            opening = whole[start:].partition("\n")[0]
            if not ended and len(opening) < _LEAST_OPENING and "\n" not in whole[start:]:
                return None
            self._checked = start
            if whole[:start].strip() and (CONCLUDES.match(opening.lstrip("# *")) or _HEADING.fullmatch(opening)):
                # The model has said what it had to say: what it is made to add would repeat it.
                end = len(whole[:start].rstrip())
                return FilterVerdict(end, _("the section concluded, though more follow"), final=True)
        return None
