"""The tables of docs/formats.md, made from the kinds that the code declares.

`python -m tests.docs.formats_page` writes them into the page; the test beside this file fails when they differ.
"""

from __future__ import annotations

from pathlib import Path

from tk_tools.files.h5 import Kind
from tk_tools.files.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- tables: made by python -m tests.docs.formats_page -->", "<!-- end of tables -->"


def tables() -> str:
    """The section of every kind, in Markdown."""
    return "\n".join(_section(kind) for kind in KINDS.values())


def _section(kind: Kind) -> str:
    lines = [f"### NAME{kind.suffix}", "", f"{_sentence(kind.meaning)}. Made by {kind.made_by}. Schema {kind.schema}."]
    lines += ["", "| dataset | type | shape | attributes | what it is |", "|---|---|---|---|---|"]
    for name, dataset in kind.datasets.items():
        shape = " x ".join(str(axis) for axis in dataset.shape)
        attributes = ", ".join(f"`{attribute}`" for attribute in dataset.attributes)
        meaning = dataset.meaning + (" (may be absent)" if dataset.optional else "")
        lines.append(f"| `/{name}` | {dataset.dtype} | {shape} | {attributes} | {meaning} |")
    return "\n".join([*lines, ""])


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def page_with(new: str) -> str:
    """The page with its tables replaced."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{new}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(tables()), encoding="utf-8")
