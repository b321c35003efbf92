"""Small charts as SVG text: no library, no script, readable on paper."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10

from health_assets.reporting.formatting import number, spaced
from health_assets.reporting.palette import GAIN, LINES, LOSS, TOTAL, Mark

WIDTH, HEIGHT = 340, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 20  # margins around the plot
ROW = 20  # of horizontal bars and of a heat map
CELL = 26  # of a heat map
HALF = 0.6  # a shade from which text on it is white
TICKS = 4
STEPS = (1, 2, 2.5, 5, 10, 20)  # round distances of ticks


def sparkline(values: Sequence[float | None], label: str, width: int = 90, height: int = 20) -> str:
    """A line of scores, 0-100; where a value is missing the line is interrupted, and the last value has a dot."""
    step = (width - 6) / max(len(values) - 1, 1)
    points = [None if value is None else (3 + place * step, height - 3 - (height - 6) * value / 100)
              for place, value in enumerate(values)]  # fmt: skip
    lines = "".join(f'<polyline points="{_path(piece)}" fill="none" stroke="{GAIN}"/>' for piece in _pieces(points))
    last = points[-1] if points else None
    dot = f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2" fill="{GAIN}"/>' if last else ""
    return _svg(lines + dot, label, width, height)


def stacked(
    months: Sequence[str], amounts: Mapping[str, Sequence[float]], marks: Mapping[str, Mark], label: str
) -> str:
    """Bars by month, a segment for each word, with a legend of colours and symbols."""
    totals = [sum(series[place] for series in amounts.values()) for place in range(len(months))]
    _, top = _axis(0, max(totals, default=0))
    width = (WIDTH - LEFT - RIGHT) / max(len(months), 1)
    drawn = [_grid(0, top)]
    for place, month in enumerate(months):
        x, reached = LEFT + place * width, 0.0
        for word, series in amounts.items():
            y, below = _y(reached + series[place], 0, top), _y(reached, 0, top)
            reached += series[place]
            if below > y:
                drawn.append(
                    f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{width - 1:.1f}" height="{below - y:.1f}" '
                    f'fill="{marks[word].colour}"/>'
                )
        drawn.append(_month_label(x + width / 2, place, len(months), month))
    legend = " ".join(
        f'<span class="key"><i style="background:{marks[word].colour}"></i>{marks[word].symbol} {escape(spaced(word))}</span>'
        for word in amounts
    )
    return _svg("".join(drawn), label, WIDTH, HEIGHT) + f'<p class="legend">{legend}</p>'


def lines(months: Sequence[str], series: Mapping[str, Sequence[float | None]], label: str) -> str:
    """A line for each name; the axis holds all values and need not start at 0."""
    known = [value for values in series.values() for value in values if value is not None]
    if not known:
        return ""
    low, high = _axis(min(known), max(known))
    step = (WIDTH - LEFT - RIGHT) / max(len(months) - 1, 1)
    drawn = [_grid(low, high)]
    for place, values in enumerate(series.values()):
        dashes = "" if place == 0 else f' stroke-dasharray="{6 - place} {2 + place}"'
        points = [
            None if value is None else (LEFT + index * step, _y(value, low, high)) for index, value in enumerate(values)
        ]
        drawn += [
            f'<polyline points="{_path(piece)}" fill="none" stroke="{LINES[place]}" stroke-width="1.6"{dashes}/>'
            for piece in _pieces(points)
        ]
    drawn += [_month_label(LEFT + place * step, place, len(months), month) for place, month in enumerate(months)]
    legend = " ".join(
        f'<span class="key"><i style="background:{LINES[place]}"></i>{escape(name)}</span>'
        for place, name in enumerate(series)
    )
    return _svg("".join(drawn), label, WIDTH, HEIGHT) + f'<p class="legend">{legend}</p>'


def waterfall(steps: Sequence[tuple[str, float]], totals: Sequence[str], label: str) -> str:
    """What was added and taken, step by step; the axis begins below the movements where these are small."""
    edges, reached = [], 0.0
    for name, amount in steps:
        start, end = (0.0, amount) if name in totals else (reached, reached + amount)
        edges.append((min(start, end), max(start, end)))
        reached = end
    moved = [edge for (name, _), edge in zip(steps, edges, strict=True) if name not in totals]
    top = max(high for _, high in edges)
    lowest = min((low for low, _ in moved), default=0.0)
    ground = max(0.0, lowest - 2 * (top - lowest)) if top > lowest > top / 2 else 0.0
    scale = (WIDTH - 90 - 70) / ((top - ground) or 1)
    drawn = []
    for place, ((name, amount), (low, high)) in enumerate(zip(steps, edges, strict=True)):
        x, y = 90 + scale * (max(low, ground) - ground), place * ROW
        colour = TOTAL if name in totals else GAIN if amount >= 0 else LOSS
        width = max(scale * (high - max(low, ground)), 0.5)
        shown = number(amount, 0, "" if name in totals or not amount else "+")
        drawn.append(
            f'<text x="84" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" fill="{colour}"/>'
            f'<text x="{x + width + 4:.1f}" y="{y + 13}">{shown}</text>'
        )
    return _svg("".join(drawn), label, WIDTH, ROW * len(steps) + 2)


def heatmap(cells: Mapping[tuple[str, int], float | None], label: str) -> str:
    """Percentages as a table of shaded cells: a row for each name in its order, a column for each number from 0 on."""
    names = list(dict.fromkeys(name for name, _ in cells))
    columns = max((column for _, column in cells), default=0) + 1
    drawn = [
        f'<text x="{LEFT + column * CELL + CELL / 2}" y="{ROW - 6}" text-anchor="middle">{column}</text>'
        for column in range(columns)
    ]
    for place, name in enumerate(names, 1):
        drawn.append(f'<text x="{LEFT - 4}" y="{place * ROW + 13}" text-anchor="end">{escape(name)}</text>')
        for column in range(columns):
            value = cells.get((name, column))
            if value is not None:
                x, y, share = LEFT + column * CELL, place * ROW, min(max(value, 0.0), 100.0) / 100
                colour = "#fff" if share > HALF else "#1b1f24"
                drawn.append(
                    f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{ROW - 1}" fill="{GAIN}" fill-opacity="{share:.2f}"/>'
                    f'<text x="{x + CELL / 2}" y="{y + 13}" text-anchor="middle" style="fill:{colour}">{number(value)}</text>'
                )
    return _svg("".join(drawn), label, LEFT + columns * CELL + RIGHT, (len(names) + 1) * ROW)


def _svg(drawn: str, label: str, width: int, height: int) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(label)}">{drawn}</svg>'


def _grid(low: float, high: float) -> str:
    lines = []
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        y = _y(value, low, high)
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{number(value)}</text>'
        )
    return "".join(lines)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / ((high - low) or 1)


def _month_label(x: float, place: int, count: int, month: str) -> str:
    every = max(1, count // 4)
    if (place % every and place != count - 1) or (place != count - 1 and count - 1 - place < every / 2):
        return ""
    anchor = "end" if place == count - 1 else "middle"
    return f'<text x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{escape(month)}</text>'


def _pieces(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    return [piece for piece in pieces if piece]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _axis(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis that holds both values and has round ticks."""
    least = (high - low) / TICKS or 1
    power = 10 ** floor(log10(least))
    for step in (power * factor for factor in STEPS):
        start = step * floor(low / step)
        if start + TICKS * step >= high:
            return start, start + TICKS * step
    raise AssertionError("a step of ten times the power holds every range")
