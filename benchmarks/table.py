"""The results as a table and as a drawing, made from the JSON files alone.

python -m benchmarks.table
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS

_ORIGINAL = "original_"
_HEAD = """# Results

Made by `python -m benchmarks.table` from the JSON files beside it; each was measured in one run on the machine that it
names.

## Beside the originals

![How many times the original's speed](ratios.png)

| script | what | measure | ours | original | ratio |
|---|---|---|---|---|---|
"""


def write_table(folder: Path = RESULTS) -> Path:
    """Write README.md and ratios.png into the folder of results; the path of the first."""
    target = folder / "README.md"
    target.write_text(table(folder), encoding="utf-8")
    _draw(folder / "ratios.png", [(name, row) for name, row in rows(folder) if _pair(row)])
    return target


def rows(folder: Path = RESULTS) -> list[tuple[str, dict[str, Any]]]:
    """Every measured row, with the name of its script."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        found += [(path.stem, row | {"machine": content["machine"]}) for row in content["rows"]]
    return found


def table(folder: Path = RESULTS) -> str:
    """The page: rows that have an original beside them, then the others, then the machines."""
    text = [_HEAD]
    others, machines = [], {}
    for name, row in rows(folder):
        machines.setdefault(row["machine"], []).append(name)
        if key := _pair(row):
            cells = (name, row["what"], key.replace("_", " "), _number(row[key]), _number(row[_ORIGINAL + key]))
            text.append(f"| {' | '.join(cells)} | {_number(row['ratio'])} |\n")
        else:
            rest = {key: value for key, value in row.items() if key not in ("what", "clip", "machine")}
            figures = ", ".join(f"{key.replace('_', ' ')} {_number(value)}" for key, value in rest.items())
            others.append(f"| {name} | {row.get('what', row.get('clip'))} | {figures} |\n")
    text += ["\n## The rest\n\n| script | what | figures |\n|---|---|---|\n", *others, "\n## Machines\n\n"]
    text += [f"- {machine}: {', '.join(dict.fromkeys(names))}\n" for machine, names in machines.items()]
    return "".join(text)


def _pair(row: dict[str, Any]) -> str | None:
    """The first figure that an original has as well."""
    return next((key for key in sorted(row) if _ORIGINAL + key in row and key not in ("batch", "peak_mb")), None)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _draw(path: Path, compared: list[tuple[str, dict[str, Any]]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    compared = sorted(compared, key=lambda item: item[1]["ratio"])
    figure = Figure(figsize=(9, 0.4 * len(compared) + 1), layout="constrained")
    axes = figure.add_subplot()
    ratios = [row["ratio"] for _, row in compared]
    colours = ["#31688e" if ratio >= 1 else "#b5483a" for ratio in ratios]
    names = [f"{name}: {row['what']}" for name, row in compared]
    axes.barh(names, [ratio - 1 for ratio in ratios], left=1, color=colours)
    for place, ratio in enumerate(ratios):
        axes.text(max(ratio, 1) * 1.08, place, _number(ratio), va="center")
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlim(min(0.5, 0.8 * min(ratios)), 2 * max(ratios))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("times the original's speed, both on one machine in one run")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


if __name__ == "__main__":
    print(write_table())
