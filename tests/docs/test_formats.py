"""docs/formats.md says what the code writes."""

from __future__ import annotations

from tests.docs.formats_page import PAGE, page_with, tables
from tk_tools.files.h5 import ROOT_ATTRIBUTES


def test_tables_are_those_of_the_code():
    assert PAGE.read_text(encoding="utf-8") == page_with(tables()), "run: python -m tests.docs.formats_page"


def test_every_root_attribute_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in ROOT_ATTRIBUTES)
