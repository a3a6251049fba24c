"""The table of published checkpoints keeps its form."""

import re
from urllib.parse import urlsplit

import pytest

from tk_tools.errors import ConfigError
from tk_tools.weights.signatures import SIGNATURES
from tk_tools.weights.table import get_published, published

SYSTEMS = {
    *(
        "wav2lip",
        "diffvc",
        "lawdnet",
        "styletts2",
        "makeittalk",
        "mead",
        "rhythmichead",
        "pc_avs",
        "evp",
        "lsp",
        "eamm",
    ),
    *("difftalk", "talklip", "emogen", "sadtalker", "hyperlips", "phadtf", "videoretalking", "pirenderer", "styleheat"),
    *("metaportrait", "ad_nerf", "geneface", "dfrf"),
}


def test_every_system_is_there():
    assert {entry.system for entry in published()} == SYSTEMS | {"shared"}


def test_names_and_files_are_unique():
    names = [entry.name for entry in published()]
    files = [name for entry in published() for name in entry.names]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("entry", published(), ids=lambda entry: entry.name)
def test_entry_has_its_form(entry):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    assert entry.holds
    assert entry.terms
    assert entry.addresses or entry.page
    for name in entry.names:
        assert re.fullmatch(r"[\w.-]+", name)
    for address in (*entry.addresses, *([entry.page] if entry.page else [])):
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.netloc
        assert "/blob/" not in address, "a page about the file, not the file"
    for address in entry.addresses:
        assert "drive.google.com" not in address, "asks a person to confirm"
    assert entry.size is None or entry.size > 1000
    assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{8,64}", entry.sha256)
    assert entry.network is None or entry.network in {signature.name for signature in SIGNATURES}
    assert entry.package is None or re.fullmatch(r"\w+:[\w/.]+", entry.package)


def test_digest_in_a_file_name_is_the_one_of_the_table():
    for entry in published():
        mark = re.search(r"-([0-9a-f]{8,10})\.pth", entry.file)
        if mark:
            assert entry.sha256.startswith(mark[1]), entry.name


def test_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError, match="did you mean wav2lip-gan"):
        get_published("wav2lip_gan")
    with pytest.raises(ConfigError, match="tk-weights list"):
        get_published("zzzz")
