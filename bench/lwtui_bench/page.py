"""The report as one self-contained HTML page: it loads no script, font or image from anywhere.

All text from models and files is escaped. Charts are embedded as images, in which no script can run.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from lwtui import __version__
from lwtui.text import clean
from lwtui.translation import _, _n, _p, language, sentences
from lwtui_bench.statistics import RESAMPLES, SEED
from lwtui_bench.summary import Run, ScoredAnswer
from lwtui_bench.tables import NONE, Table

_MAX_PROMPT = 160  # characters
_CAPTIONS = {
    "scores": _(
        "Scores of each model. With other prompts of the same kind, they would most likely stay in the interval."
    ),
    "length": _(
        "Each point is an answer. On the dashed line it is as long as required; outside the outer band S_l is 0."
    ),
    "bins": _("How well the required length is kept, from short texts to long ones."),
    "dimensions": _("The judge's grades for the texts, regardless of length."),
    "deciles": _("From beginning to end of the texts: new n-grams, distinct words, sentence length."),
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2937; --faint: #6b7280; --line: #e5e7eb; --back: #ffffff; --soft: #f9fafb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e5e7eb; --faint: #9ca3af; --line: #374151; --back: #111827; --soft: #1f2937; }
}
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--back);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
.faint, caption, figcaption, .note { color: var(--faint); font-size: .88rem; }
.conclusion { border-left: 4px solid #0072B2; background: var(--soft); padding: .7rem 1rem; margin: 1.25rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .92rem; min-width: 60%; }
th, td { padding: .32rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; border-bottom-width: 2px; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 11rem; }
td.text { white-space: normal; text-align: left; min-width: 22rem; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
details { margin: .75rem 0; } summary { cursor: pointer; } pre { white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--soft); padding: .7rem 1rem; font-size: .85rem; }
"""


def render_page(
    runs: Sequence[Run], tables: Sequence[Table], charts: Mapping[str, bytes], conclusions: Sequence[str]
) -> str:
    """Render the report as HTML.

    Args:
        runs: The runs whose answers are listed.
        tables: The tables, the most important first.
        charts: SVG images by their names in :func:`lwtui_bench.charts.all_charts`.
        conclusions: Paragraphs for the top of the page.
    """
    body = [
        _heading(1, _("Long writing, measured")),
        f'<p class="faint">{_escape(", ".join(run.label for run in runs))}</p>',
        *(f'<p class="conclusion">{_escape(conclusion)}</p>' for conclusion in conclusions),
        _table(tables[0]),
        *(_figure(name, data) for name, data in charts.items()),
        *map(_table, tables[1:]),
        *filter(None, map(_ungraded, runs)),
        _heading(2, _("Every answer")),
        *map(_answers, runs),
        _method(),
    ]
    return _frame("\n".join(body))


def _frame(body: str) -> str:
    title = _("lwtui bench: report")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="{language().replace("_", "-")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{_escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _heading(level: int, text: str) -> str:
    return f"<h{level}>{_escape(text)}</h{level}>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_escape(name)}</th>' for name in table.columns)
    rows = "\n".join(f"<tr>{''.join(f'<td>{_escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    note = f'<p class="note">{_escape(table.note)}</p>' if table.note else ""
    return f"""{_heading(2, table.title)}
<div class="wide"><table><thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody></table></div>
{note}"""


def _figure(name: str, data: bytes) -> str:
    source = base64.b64encode(data).decode("ascii")
    caption = _CAPTIONS[name]
    return (
        f'<figure><img alt="{_escape(caption)}" src="data:image/svg+xml;base64,{source}">'
        f"<figcaption>{_escape(caption)}</figcaption></figure>"
    )


def _ungraded(run: Run) -> str:
    """List the answers that a judge was asked about but did not grade, with its replies."""
    if not run.ungraded:
        return ""
    shown = []
    for scored in run.ungraded:
        raw = "\n\n".join(verdict.raw for verdict in scored.verdicts if verdict.raw) or _("(nothing)")
        shown.append(f"<details><summary>{_escape(_short_prompt(scored))}</summary><pre>{_escape(raw)}</pre></details>")
    title = _("Not graded: {label}", label=run.label)
    return f"{_heading(2, title)}\n{''.join(shown)}"


def _answers(run: Run) -> str:
    rows = "\n".join(_answer(scored) for scored in sorted(run.answers, key=lambda scored: scored.answer.length))
    summary = _n("{label}: {count} answer", "{label}: {count} answers", run.n, label=run.label)
    names = [_("prompt"), _("type"), _("required"), _("actual"), "S_l", "S_q", _("ended")]
    head = "".join(f"<th>{_escape(name)}</th>" for name in names)
    return f"""<details><summary>{_escape(summary)}</summary>
<div class="wide"><table><thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody></table></div></details>"""


def _answer(scored: ScoredAnswer) -> str:
    answer, s_q = scored.answer, scored.s_q
    quality = NONE if s_q is None else f"{s_q:.0f}"
    cells = [answer.type, f"{answer.length:,.0f}", f"{answer.actual:,}", f"{scored.s_l:.0f}", quality]
    ended = answer.error or _end(answer.finish_reason)
    rest = "".join(f"<td>{_escape(cell)}</td>" for cell in [*cells, ended[:80]])
    return f'<tr><td class="text">{_escape(_short_prompt(scored))}</td>{rest}</tr>'


def _end(reason: str) -> str:
    """Return how an answer ended, as a model's finish reason says."""
    known = {
        "stop": _p("how an answer ended", "stop"),
        "length": _p("how an answer ended", "length"),
        "canceled": _p("how an answer ended", "canceled"),
        "error": _p("how an answer ended", "error"),
    }
    return known.get(reason, reason) or NONE


def _method() -> str:
    text = sentences(
        _("Length counts Chinese characters and words of ASCII letters, as LongBench-Write (arXiv 2408.07055) does."),
        _("S_l is 100 at the required length, and 0 at four times and at a third of it."),
        _("S_q is the mean of the judge's six grades, from 1 (0) to 5 (100)."),
        _(
            "Intervals: 95%, by bootstrap over prompts, {resamples:,} resamples, seed {seed}; several answers to a "
            "prompt are averaged first.",
            resamples=RESAMPLES,
            seed=SEED,
        ),
        _("Judges often grade longer texts lower, so read quality together with length."),
        _("Made by lwtui {version}.", version=__version__),
    )
    title = _("How this was measured")
    return f"""{_heading(2, title)}
<p class="note">{_escape(text)}</p>"""


def _short_prompt(scored: ScoredAnswer) -> str:
    prompt = " ".join(scored.answer.prompt.split())
    return prompt if len(prompt) <= _MAX_PROMPT else f"{prompt[:_MAX_PROMPT]}…"


def _escape(text: str) -> str:
    return escape(clean(text), quote=True)
