"""The pictures of a report, by matplotlib. Each function returns a figure, or nothing where nothing is to be shown."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from lwtui_bench.grades import DIMENSIONS
from lwtui_bench.length_score import BINS, length_score
from lwtui_bench.metrics import Decile, deciles
from lwtui_bench.reference import PUBLISHED
from lwtui_bench.summary import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by people who see no red or no green too (Okabe and Ito).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Hiragino Sans", "Microsoft YaHei")
_GREY = "#6b7280"
_TICKS = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
_MOST_LABEL = 34  # characters


def all_charts(runs: Sequence[Run], *, reference: bool = True) -> Mapping[str, Figure]:
    """The charts that these runs give rise to, by the name of their file."""
    makers: dict[str, Callable[[Sequence[Run]], Figure | None]] = {
        "scores": lambda given: scores(given, reference=reference),
        "length": length,
        "bins": bins,
        "dimensions": dimensions,
        "deciles": tenths,
    }
    with _style():
        return {name: figure for name, make in makers.items() if (figure := make(runs)) is not None}


def as_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as ``png`` or ``svg``."""
    data = io.BytesIO()
    with _style():
        metadata = {"Date": None} if kind == "svg" else {}
        figure.savefig(data, format=kind, dpi=150, bbox_inches="tight", facecolor="white", metadata=metadata)
    return data.getvalue()


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
            "svg.hashsalt": "lwtui",  # the same picture is the same file
            "text.parse_math": False,  # a name is a name, whatever it is made of
            "text.usetex": False,
        }
    )


def _new(width: float, height: float, panels: int = 1, **subplot: Any) -> tuple[Figure, Any]:
    """A figure (in inches) and its axes, or the list of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, panels, at + 1, **subplot) for at in range(panels)]
    return figure, axes[0] if panels == 1 else axes


def scores(runs: Sequence[Run], *, reference: bool) -> Figure | None:
    """S_l, S_q and their mean with their intervals, and the published ones below."""
    shown = [name for name in ("S_l", "S_q", "mean") if any(run.figure(name) for run in runs)]
    beside = [one for one in PUBLISHED if (one.s_l if shown == ["S_l"] else one.mean) is not None]
    if not (reference and any(run.has_published for run in runs)):
        beside = []
    lines = len(runs) + len(beside)
    figure, axes = _new(8.5, 1.2 + 0.42 * lines)
    for at, run in enumerate(runs):
        for number, name in enumerate(shown):
            found = run.figure(name)
            if found is None:
                continue
            error = [[found.mean - found.low], [found.high - found.mean]]
            where = at + (number - (len(shown) - 1) / 2) * 0.2
            label = _FIGURE_NAMES[name] if at == 0 else None
            style = {"fmt": _MARKS[number], "color": _COLOURS[number], "capsize": 3, "label": label}
            axes.errorbar(found.mean, where, xerr=error, **style)
    for at, one in enumerate(beside, len(runs)):
        for number, (name, value) in enumerate((("S_l", one.s_l), ("S_q", one.s_q), ("mean", one.mean))):
            if value is not None and name in shown:
                where = at + (shown.index(name) - (len(shown) - 1) / 2) * 0.2
                axes.plot(value, where, _MARKS[number], mfc="white", mec=_COLOURS[number])
    names = [_cut(run.label) for run in runs] + [f"{_cut(one.model)} ({one.judge})" for one in beside]
    axes.set_yticks(range(lines), names)
    for tick in axes.get_yticklabels()[len(runs) :]:
        tick.set_color(_GREY)
    axes.set_ylim(lines - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_title("Scores, with 95 % intervals" + (" (hollow: as published)" if beside else ""))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


_FIGURE_NAMES = {"S_l": "S_l, length", "S_q": "S_q, quality", "mean": "mean of both"}


def length(runs: Sequence[Run]) -> Figure | None:
    """Required against actual length, both logarithmic."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    points = [[(e.answer.length, e.answer.actual) for e in run.entries if e.answer.actual > 0] for run in runs]
    every = [value for run in points for point in run for value in point]
    if not every:
        return None
    low, high = max(1, min(every) / 1.6), max(every) * 1.6
    figure, axes = _new(6.8, 6.0)
    grid = [low * (high / low) ** (step / 100) for step in range(101)]
    for share, name in ((0, "S_l > 0"), (80, "S_l ≥ 80")):
        bounds = [_reach(share, side) for side in (-1, 1)]
        below, above = ([x * bound for x in grid] for bound in bounds)
        axes.fill_between(grid, below, above, color="#009E73", alpha=0.14 if share else 0.07, lw=0, label=name)
    axes.plot(grid, grid, color=_GREY, lw=1, ls="--", label="as required")
    for at, (run, own) in enumerate(zip(runs, points, strict=True)):
        style = {"s": 26, "alpha": 0.65, "color": _colour(at), "marker": _MARKS[at % len(_MARKS)], "lw": 0}
        axes.scatter([x for x, _ in own], [y for _, y in own], label=_cut(run.label), **style)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    ticks = [value for value in _TICKS if low <= value <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("required length")
    axes.set_ylabel("actual length")
    axes.set_title("Required and actual length")
    axes.legend(loc="upper left", fontsize=9)
    return figure


def _reach(share: float, side: int) -> float:
    """The attainment at which S_l has fallen to ``share``, below (-1) or above (1) what is required."""
    lost = 1 - share / 100
    reach = 1 + 3 * lost if side > 0 else 1 / (1 + 2 * lost)
    assert abs(length_score(1, reach) - share) < 1e-6
    return reach


def bins(runs: Sequence[Run]) -> Figure | None:
    """S_l by the bins of required length."""
    names = [name for name in BINS if any(name in run.by_length() for run in runs)]
    figure, axes = _new(8.0, 3.8)
    width = 0.8 / len(runs)
    for at, run in enumerate(runs):
        of_run = run.by_length()
        for place, name in enumerate(names):
            found = of_run[name].figure("S_l") if name in of_run else None
            if found is None:
                continue
            error = [[found.mean - found.low], [found.high - found.mean]]
            where = place + (at - (len(runs) - 1) / 2) * width
            label = _cut(run.label) if name == next(iter(of_run)) else None
            style = {"color": _colour(at), "ecolor": "#374151", "capsize": 3, "label": label}
            axes.bar(where, found.mean, width * 0.92, yerr=error, **style)
            axes.text(where, 2, f"n={of_run[name].n}", ha="center", fontsize=7, color="white")
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 105)
    axes.set_ylabel("S_l")
    axes.grid(axis="x", visible=False)
    axes.set_title("S_l by required length, with 95 % intervals")
    _legend_beside(axes, runs)
    return figure


def dimensions(runs: Sequence[Run]) -> Figure | None:
    """The six dimensions of quality as a radar."""
    judged = [(at, run) for at, run in enumerate(runs) if run.is_judged]
    if not judged:
        return None
    angles = [2 * math.pi * at / len(DIMENSIONS) for at in range(len(DIMENSIONS))]
    figure, axes = _new(7.2, 5.4, projection="polar")
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    for at, run in judged:
        found = [run.dimension(name) for name in DIMENSIONS]
        values = [one.mean if one else math.nan for one in found]
        axes.plot([*angles, angles[0]], [*values, values[0]], color=_colour(at), lw=2, label=_cut(run.label))
        axes.fill(angles, values, color=_colour(at), alpha=0.08)
    axes.set_xticks(angles, [name.replace(" and ", " and\n").replace(" Exp", "\nExp") for name in DIMENSIONS])
    axes.tick_params(axis="x", pad=14)
    axes.set_ylim(0, 100)
    axes.set_yticks([25, 50, 75, 100], ["25", "50", "75", "100"], color=_GREY, fontsize=8)
    axes.spines["polar"].set_color("#d1d5db")
    judges = sorted({judge for _, run in judged for judge in run.judges})
    axes.set_title(f"Quality, 0 to 100, by {_cut(', '.join(judges), 60)}", pad=22)
    axes.legend(loc="upper left", bbox_to_anchor=(1.12, 1.05))
    return figure


def tenths(runs: Sequence[Run]) -> Figure | None:
    """How the texts change from their beginning to their end."""
    found = [_mean_deciles(run) for run in runs]
    if not any(found):
        return None
    figure, panels = _new(9.0, 3.4, panels=3)
    titles = ("new n-grams", "distinct words", "tokens a sentence")
    for axes, title, name in zip(panels, titles, ("fresh", "distinct", "sentence"), strict=True):
        for at, (run, parts) in enumerate(zip(runs, found, strict=True)):
            if parts:
                values = [getattr(part, name) for part in parts]
                axes.plot(range(1, 11), values, marker=_MARKS[at % 7], ms=4, color=_colour(at), label=_cut(run.label))
        axes.set_title(title, fontsize=10)
        axes.set_xticks((1, 4, 7, 10))
        axes.set_xlabel("tenth of the text")
        axes.set_ylim(0, 1.02 if name != "sentence" else None)
    if len(runs) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _mean_deciles(run: Run) -> list[Decile]:
    texts = [parts for entry in run.entries if (parts := deciles(entry.answer.text))]
    names = ("fresh", "distinct", "sentence")
    return [
        Decile(*(fmean(getattr(one, name) for one in tenth) for name in names)) for tenth in zip(*texts, strict=True)
    ]


def _colour(at: int) -> str:
    return _COLOURS[at % len(_COLOURS)]


def _legend_beside(axes: Any, runs: Sequence[Run]) -> None:
    if len(runs) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _cut(text: str, most: int = _MOST_LABEL) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
