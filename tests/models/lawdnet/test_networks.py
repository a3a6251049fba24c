"""LawDNet's generator: what is computed once, what is never computed, and the two orders of the warp field."""

import copy

import pytest
import torch

from tk_tools.models.lawdnet.local_affine import LocalAffineWarp, cell_centres, coarse_field, sampling_grid, warp
from tk_tools.models.lawdnet.networks import Generator, LawDNetConfig

NARROW = LawDNetConfig(width=0.25, audio_channels=7, references=2)


def inputs(batch: int = 2, size: tuple[int, int] = (52, 40)):
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, 3, *size), (batch, 7, 5), (batch, 6, *size))
    return [torch.rand(shape, generator=generator) for shape in shapes]


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(1)
    return Generator(NARROW).eval()


@torch.no_grad()
def test_references_prepared_once_serve_every_batch(generator):
    source, audio, references = inputs(batch=3)
    one = generator.prepare(references[:1])
    wanted = generator(source, audio, references[:1].expand_as(references))
    assert (generator(source, audio, one) - wanted).abs().max() < 1e-5
    single = torch.cat([generator(source[i : i + 1], audio[i : i + 1], one) for i in range(3)])
    assert (single - wanted).abs().max() < 1e-5
    assert wanted.shape == source.shape


@torch.inference_mode()
def test_fast_layers_give_the_same_picture():
    torch.manual_seed(2)
    plain = Generator(LawDNetConfig(width=0.5)).eval()
    fast = copy.deepcopy(plain).for_inference()
    source, references, audio = torch.rand(2, 3, 60, 36), torch.rand(2, 15, 60, 36), torch.randn(2, 29, 5)
    wanted = plain.draw(source, audio, references)
    made = fast.draw(source, audio, fast.prepare(references))
    assert (made - wanted).abs().max() < 2e-5 * wanted.abs().max()


def test_the_first_pair_and_the_sound_s_norms_are_kept_and_never_used():
    network = Generator(NARROW).train()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith(("appearance_conv_list.0", "lawLayer_list.0")) or ".norm" in name:
                value.fill_(torch.nan)
    made = network(*inputs())
    assert made.isfinite().all()
    made.sum().backward()
    without = {name for name, value in network.named_parameters() if value.grad is None}
    trained = {name for name, value in network.named_parameters() if value.requires_grad}
    assert without.isdisjoint(trained)
    assert without == {name for name, value in network.named_parameters() if value.isnan().any()}


@torch.no_grad()
def test_the_first_version_has_no_attention_and_hears_by_means():
    torch.manual_seed(3)
    network = Generator(LawDNetConfig(width=0.25, audio_channels=7, references=2, cross_attention=False)).eval()
    source, audio, references = inputs()
    prepared = network.prepare(references)
    features = network.source_in_conv(source)
    code = network.code(features, audio, prepared.share)
    assert torch.allclose(code[:, :32], network.trans_conv(features, prepared.share).mean(dim=(2, 3)))
    assert torch.allclose(code[:, 32:], network.audio_encoder(audio).mean(dim=2))
    assert network(source, audio, references).shape == source.shape


@pytest.mark.parametrize("grid", [(60, 60), (12, 20)])
def test_without_movement_the_upright_field_is_the_identity_and_the_published_is_not(grid):
    field = coarse_field(torch.full((2, 5, 3, 2), 0.25), torch.full((2, 5, 3, 1), 0.5), torch.zeros(2, 5, 3, 4), grid)
    height, width = 52, 64
    identity = torch.stack(torch.meshgrid(cell_centres(width), cell_centres(height), indexing="xy"), dim=-1)
    inner = (..., slice(5, -5), slice(5, -5), slice(None))  # the resize repeats the outermost cells
    upright, published = (sampling_grid(field, (height, width), kind) - identity for kind in ("upright", "published"))
    pixels = torch.tensor([width / 2, height / 2])
    assert (upright * pixels)[inner].abs().max() < 0.1
    assert (published * pixels)[inner].abs().mean() > 5


def test_upright_field_moves_where_it_is_told_to():
    """One wide key point that shifts by (0.5, 0): every channel comes from a quarter of the width to the right."""
    points, radii = torch.zeros(1, 1, 1, 2), torch.full((1, 1, 1, 1), 1e6)
    similarity = torch.tensor([0.0, 0.0, 0.5, 0.0]).view(1, 1, 1, 4)
    grid = sampling_grid(coarse_field(points, radii, similarity), (60, 60), "upright")
    centres = torch.linspace(-1 + 1 / 60, 1 - 1 / 60, 60)
    assert torch.allclose(grid[0, 0, :, :, 0], (centres + 0.5).expand(60, 60), atol=1e-5)
    assert torch.allclose(grid[0, 0, :, :, 1], centres[:, None].expand(60, 60), atol=1e-5)


def test_gradient_of_the_field_is_that_of_its_formula(monkeypatch):
    from tk_tools.models.lawdnet import local_affine

    monkeypatch.setattr(local_affine, "VALUES_AT_ONCE", 3 * 4 * 5)  # 3 channels at a time
    monkeypatch.setattr(
        local_affine,
        "cell_centres",
        lambda count, device="cpu": torch.linspace(-1 + 1 / count, 1 - 1 / count, count, dtype=torch.float64),
    )
    torch.manual_seed(4)
    given = [
        (torch.rand(shape, dtype=torch.float64) * 1.6 - 0.8).requires_grad_() for shape in ((2, 3, 4, 2), (2, 3, 4, 4))
    ]
    radii = (torch.rand(2, 3, 4, 1, dtype=torch.float64) * 0.9 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, r, s: coarse_field(p, r, s, (4, 5)), (given[0], radii, given[1]))


def test_a_key_point_on_a_cell_s_centre_has_a_gradient():
    points = torch.zeros(1, 1, 1, 2, requires_grad=True)
    coarse_field(points, torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 4), (3, 3)).sum().backward()
    assert points.grad.isfinite().all()


@torch.no_grad()
def test_the_field_keeps_single_precision_under_autocast():
    torch.manual_seed(5)
    layer = LocalAffineWarp(code_size=8, channels=4, key_points=2)
    features, code = torch.rand(1, 4, 26, 20).bfloat16(), torch.rand(1, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = layer(features, code)
        parameters = [each.float() for each in layer.parameters_of(code)]
    exact = warp(features.float(), sampling_grid(coarse_field(*parameters), (26, 20)))
    assert made.dtype == torch.bfloat16
    assert (made.float() - exact).abs().max() < 0.01
