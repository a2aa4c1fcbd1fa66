"""The charts of a report, drawn with matplotlib. A chart function returns ``None`` if there is nothing to draw."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from lwtui.translation import ENGLISH, _, english, language
from lwtui_bench.grades import DIMENSIONS, dimension_label
from lwtui_bench.length_score import BINS, bin_label, length_score
from lwtui_bench.metrics import Decile, deciles
from lwtui_bench.reference import published_results
from lwtui_bench.statistics import Interval
from lwtui_bench.summary import Run, judge_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Distinguishable with any color vision (Okabe and Ito).
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# A font is asked for the characters that those before it lack.
_FONTS = (
    *("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Sans CJK JP", "PingFang SC"),
    *("Hiragino Sans GB", "Heiti SC", "Heiti TC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "SimSun"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS", "AR PL UMing CN"),
    "AR PL SungtiL GB",
)
_GRAY = "#6b7280"
_TICKS = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
_MAX_LABEL = 34  # characters
_DECILE_FIELDS = ("novelty", "distinct", "sentence_length")


def all_charts(runs: Sequence[Run], *, reference: bool = True) -> Mapping[str, Figure]:
    """Draw every chart that applies to these runs, in English if no font here has the letters of the user's language.

    Args:
        runs: At least one run.
        reference: Whether to include published results.

    Returns:
        The charts by the names of their files.
    """
    charts: dict[str, Callable[[Sequence[Run]], Figure | None]] = {
        "scores": lambda runs: scores_chart(runs, reference=reference),
        "length": length_chart,
        "bins": bins_chart,
        "dimensions": dimensions_chart,
        "deciles": deciles_chart,
    }

    def drawn() -> Mapping[str, Figure]:
        return {name: figure for name, draw in charts.items() if (figure := draw(runs)) is not None}

    with _style():
        shown = drawn()
        if language() == ENGLISH or not (lacking := _lacking(shown)):
            return shown
        with english():
            in_english = drawn()
        return in_english if lacking - _lacking(in_english) else shown


def render_image(figure: Figure, format: str) -> bytes:
    """Render a chart as "png" or "svg"."""
    data = io.BytesIO()
    with _style():
        metadata = {"Date": None} if format == "svg" else {}
        figure.savefig(data, format=format, dpi=150, bbox_inches="tight", facecolor="white", metadata=metadata)
    return data.getvalue()


def _lacking(charts: Mapping[str, Figure]) -> set[str]:
    """Return the characters in some charts that the fonts here lack."""
    from matplotlib import font_manager, rcParams
    from matplotlib.text import Text

    texts = [text.get_text() for figure in charts.values() for text in figure.findobj(Text)]
    files = [font_manager.findfont(font) for font in rcParams["font.family"]]
    known = {code for file in files for code in font_manager.get_font(file).get_charmap()}
    return {letter for text in texts for letter in text if ord(letter) not in known and not letter.isspace()}


def _style() -> Any:
    import logging

    import matplotlib
    from matplotlib import font_manager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return matplotlib.rc_context(
        {
            "font.family": [font for font in _FONTS if font in installed] or ["sans-serif"],
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "grid.color": "#e5e7eb",
            "legend.frameon": False,
            "svg.hashsalt": "lwtui",  # makes the file reproducible
            "text.parse_math": False,  # a "$" in a name is just that
            "text.usetex": False,
        }
    )


def _new_figure(width: float, height: float, panels: int = 1, **subplot: Any) -> tuple[Figure, Any]:
    """Return a figure of a size in inches, and its axes, or a list of them if there are several panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, panels, panel + 1, **subplot) for panel in range(panels)]
    return figure, axes[0] if panels == 1 else axes


def scores_chart(runs: Sequence[Run], *, reference: bool) -> Figure | None:
    """Draw S_l, S_q and their mean with confidence intervals, with published results below."""
    shown = [name for name in ("S_l", "S_q", "mean") if any(run.figure(name) for run in runs)]
    published = [
        result for result in published_results() if (result.s_l if shown == ["S_l"] else result.mean) is not None
    ]
    if not (reference and any(run.has_published for run in runs)):
        published = []
    lines = len(runs) + len(published)
    figure, axes = _new_figure(8.5, 1.2 + 0.42 * lines)
    for line, run in enumerate(runs):
        for number, name in enumerate(shown):
            interval = run.figure(name)
            if interval is None:
                continue
            y = line + (number - (len(shown) - 1) / 2) * 0.2
            label = _figure_label(name) if line == 0 else None
            style = {"fmt": _MARKERS[number], "color": _COLORS[number], "capsize": 3, "label": label}
            axes.errorbar(interval.mean, y, xerr=_error_bar(interval), **style)
    for line, result in enumerate(published, len(runs)):
        for number, (name, value) in enumerate((("S_l", result.s_l), ("S_q", result.s_q), ("mean", result.mean))):
            if value is not None and name in shown:
                y = line + (shown.index(name) - (len(shown) - 1) / 2) * 0.2
                axes.plot(value, y, _MARKERS[number], mfc="white", mec=_COLORS[number])
    names = [_shorten(run.label) for run in runs]
    names += [_("{model} ({judge})", model=_shorten(result.model), judge=result.judge) for result in published]
    axes.set_yticks(range(lines), names)
    for tick in axes.get_yticklabels()[len(runs) :]:
        tick.set_color(_GRAY)
    axes.set_ylim(lines - 0.5, -0.5)
    axes.set_xlim(0, 100)
    with_published = _("Scores, with 95% intervals (hollow: as published)")
    axes.set_title(with_published if published else _("Scores, with 95% intervals"))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _figure_label(name: str) -> str:
    return {"S_l": _("S_l, length"), "S_q": _("S_q, quality"), "mean": _("mean of both")}[name]


def _error_bar(interval: Interval) -> list[list[float]]:
    return [[interval.mean - interval.low], [interval.high - interval.mean]]


def length_chart(runs: Sequence[Run]) -> Figure | None:
    """Plot actual against required length, both on logarithmic axes."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    points = [
        [(scored.answer.length, scored.answer.actual) for scored in run.answers if scored.answer.actual > 0]
        for run in runs
    ]
    lengths = [value for of_run in points for point in of_run for value in point]
    if not lengths:
        return None
    low, high = max(1, min(lengths) / 1.6), max(lengths) * 1.6
    figure, axes = _new_figure(6.8, 6.0)
    grid = [low * (high / low) ** (step / 100) for step in range(101)]
    for score, name in ((0, "S_l > 0"), (80, "S_l ≥ 80")):
        bounds = [_attainment(score, side) for side in (-1, 1)]
        below, above = ([x * bound for x in grid] for bound in bounds)
        axes.fill_between(grid, below, above, color="#009E73", alpha=0.14 if score else 0.07, lw=0, label=name)
    axes.plot(grid, grid, color=_GRAY, lw=1, ls="--", label=_("as required"))
    for number, (run, of_run) in enumerate(zip(runs, points, strict=True)):
        style = {"s": 26, "alpha": 0.65, "color": _color(number), "marker": _marker(number), "lw": 0}
        axes.scatter([x for x, _y in of_run], [y for _x, y in of_run], label=_shorten(run.label), **style)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    ticks = [value for value in _TICKS if low <= value <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(_("required length"))
    axes.set_ylabel(_("actual length"))
    axes.set_title(_("Required and actual length"))
    axes.legend(loc="upper left", fontsize=9)
    return figure


def _attainment(score: float, side: int) -> float:
    """Return the ratio of actual to required length, below (-1) or above (1) it, at which S_l falls to ``score``."""
    lost = 1 - score / 100
    ratio = 1 + 3 * lost if side > 0 else 1 / (1 + 2 * lost)
    assert abs(length_score(1, ratio) - score) < 1e-6
    return ratio


def bins_chart(runs: Sequence[Run]) -> Figure | None:
    """Draw S_l by bins of the required length."""
    names = [name for name in BINS if any(name in run.by_length() for run in runs)]
    figure, axes = _new_figure(8.0, 3.8)
    width = 0.8 / len(runs)
    for number, run in enumerate(runs):
        by_bin = run.by_length()
        for place, name in enumerate(names):
            interval = by_bin[name].figure("S_l") if name in by_bin else None
            if interval is None:
                continue
            x = place + (number - (len(runs) - 1) / 2) * width
            label = _shorten(run.label) if name == next(iter(by_bin)) else None
            style = {"color": _color(number), "ecolor": "#374151", "capsize": 3, "label": label}
            axes.bar(x, interval.mean, width * 0.92, yerr=_error_bar(interval), **style)
            axes.text(x, 2, f"n={by_bin[name].n}", ha="center", fontsize=7, color="white")
    axes.set_xticks(range(len(names)), [bin_label(name) for name in names])
    axes.set_ylim(0, 105)
    axes.set_ylabel("S_l")
    axes.grid(axis="x", visible=False)
    axes.set_title(_("S_l by required length, with 95% intervals"))
    _legend_beside(axes, runs)
    return figure


def dimensions_chart(runs: Sequence[Run]) -> Figure | None:
    """Draw the six dimensions of quality as a radar chart."""
    judged = [(number, run) for number, run in enumerate(runs) if run.is_judged]
    if not judged:
        return None
    angles = [2 * math.pi * at / len(DIMENSIONS) for at in range(len(DIMENSIONS))]
    figure, axes = _new_figure(7.2, 5.4, projection="polar")
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    for number, run in judged:
        intervals = [run.dimension(name) for name in DIMENSIONS]
        values = [interval.mean if interval else math.nan for interval in intervals]
        axes.plot([*angles, angles[0]], [*values, values[0]], color=_color(number), lw=2, label=_shorten(run.label))
        axes.fill(angles, values, color=_color(number), alpha=0.08)
    names = [dimension_label(name) for name in DIMENSIONS]
    axes.set_xticks(angles, [name.replace(" and ", " and\n").replace(" Exp", "\nExp") for name in names])
    axes.tick_params(axis="x", pad=14)
    axes.set_ylim(0, 100)
    axes.set_yticks([25, 50, 75, 100], ["25", "50", "75", "100"], color=_GRAY, fontsize=8)
    axes.spines["polar"].set_color("#d1d5db")
    judges = ", ".join(judge_labels([run for _number, run in judged]))
    axes.set_title(_("Quality, 0 to 100, by {judges}", judges=_shorten(judges, 60)), pad=22)
    axes.legend(loc="upper left", bbox_to_anchor=(1.12, 1.05))
    return figure


def deciles_chart(runs: Sequence[Run]) -> Figure | None:
    """Plot how the texts change from beginning to end."""
    deciles_by_run = [_mean_deciles(run) for run in runs]
    if not any(deciles_by_run):
        return None
    figure, panels = _new_figure(9.0, 3.4, panels=3)
    titles = (_("new n-grams"), _("distinct words"), _("tokens per sentence"))
    for axes, title, name in zip(panels, titles, _DECILE_FIELDS, strict=True):
        for number, (run, tenths) in enumerate(zip(runs, deciles_by_run, strict=True)):
            if tenths:
                values = [getattr(decile, name) for decile in tenths]
                style = {"marker": _marker(number), "ms": 4, "color": _color(number), "label": _shorten(run.label)}
                axes.plot(range(1, 11), values, **style)
        axes.set_title(title, fontsize=10)
        axes.set_xticks((1, 4, 7, 10))
        axes.set_xlabel(_("tenth of the text"))
        axes.set_ylim(0, 1.02 if name != "sentence_length" else None)
    if len(runs) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _mean_deciles(run: Run) -> list[Decile]:
    texts = [tenths for scored in run.answers if (tenths := deciles(scored.answer.text))]
    return [
        Decile(*(fmean(getattr(decile, name) for decile in decile_of_texts) for name in _DECILE_FIELDS))
        for decile_of_texts in zip(*texts, strict=True)
    ]


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _marker(number: int) -> str:
    return _MARKERS[number % len(_MARKERS)]


def _legend_beside(axes: Any, runs: Sequence[Run]) -> None:
    if len(runs) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _shorten(text: str, limit: int = _MAX_LABEL) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
