"""Every network is told by its published keys (published_keys.json.gz: {network: {key: shape}}), and by no other's."""

import gzip
import json
from pathlib import Path

import pytest

from tk_tools.weights.signatures import SIGNATURES, recognise

PUBLISHED = json.loads(gzip.decompress((Path(__file__).parent / "published_keys.json.gz").read_bytes()))


def test_every_signature_has_its_published_keys():
    assert {signature.name for signature in SIGNATURES} == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_recognises_the_published_keys(name):
    assert recognise(PUBLISHED[name]).name == name
    assert [s.name for s in SIGNATURES if set(PUBLISHED[name]).issuperset(s.keys)] == [name]


def test_recognises_one_of_several_networks():
    keys = [f"net_G_ema.{key}" for key in PUBLISHED["pirenderer"]] + ["net_D.conv.weight"]
    assert recognise(keys).name == "pirenderer"


def test_unknown_keys_belong_to_nothing():
    assert recognise(["0.weight", "0.bias", "fc.weight"]) is None
    assert recognise([]) is None
