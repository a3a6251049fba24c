"""The second stage and fine-tuning: what they begin with, what learns when, by which losses, and what is handed on."""

from dataclasses import replace

import pytest
import soundfile
import torch
from torch.nn import functional
from transformers import WavLMConfig, WavLMModel

from tests.golden.golden import settle_spectral_norms
from tests.models.styletts2.drawn import ALIGNER, MANY_VOICES, PITCH, small, write_published
from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import SIZES, config_of, numbers, train
from tests.train.helpers import same
from tk_tools.errors import ConfigError, TrainingError, WeightsError
from tk_tools.models import get_model, load
from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.models.styletts2.losses import MelDistance, energy
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.plbert import new_plbert
from tk_tools.models.styletts2.published import load_styletts2
from tk_tools.models.styletts2.sizes import BertSizes, Sizes
from tk_tools.models.styletts2.training import adversary
from tk_tools.models.styletts2.training.data import inspect_list
from tk_tools.models.styletts2.training.first import new_parts
from tk_tools.models.styletts2.training.second import Phase
from tk_tools.models.styletts2.training.system import OF_FIRST, Judges, System, system_of_first, system_of_second
from tk_tools.nets.soft_durations import soft_alignment
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import make_fabric
from tk_tools.train.task import Draw
from tk_tools.weights.save import save_safetensors

SHORT = {"sizes": SIZES | {"longest_duration": 8}}  # a token of an untrained predictor lasts 4 steps
PHASES = SHORT | {"epoch_steps": 1, "diffusion_from": 1.0, "joint_from": 2.0}
HEARD = {"adversary": {"shortest": 80, "longest": 80, "share": 1.0, "every": 1}}
ALWAYS = {"bert_encoder", "bert", "predictor", "predictor_encoder"}


def listeners():
    torch.manual_seed(0)
    pitch = PitchExtractor(PITCH)
    pitch.classifier.bias.data.fill_(150.0)  # Hz
    return TextAligner(ALIGNER), pitch


def write_first(path, config):
    """What a run of stage first hands on, untrained."""
    state = new_parts(config.network_sizes(), *listeners()).state_dict()
    settle_spectral_norms(state)
    return save_safetensors(path, state, about("first", config))


def write_second(path, config):
    aligner, pitch = listeners()
    system = System(config.network_sizes(), ALIGNER, PITCH)
    system.text_aligner, system.pitch_extractor = aligner, pitch
    state = system.state_dict()
    settle_spectral_norms(state)
    state["predictor.F0.0.conv1.weight_g"] *= 1.01  # by which one that learned is told
    return save_safetensors(path, state, about("second", config) | {"sigma_data": 0.3})


def about(stage, config):
    return {"model": "styletts2", "stage": stage, "network": "styletts2", "settings": config.model_dump(mode="json")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder: wavs/made.phonemes.txt, wavlm/, first.safetensors and second.safetensors."""
    folder = tmp_path_factory.mktemp("second")
    write_list(folder / "wavs", count=3)
    write_wavlm(folder / "wavlm")
    write_first(folder / "first.safetensors", config_of("second", **SHORT))
    write_second(folder / "second.safetensors", config_of("second", **SHORT))
    return folder


def write_wavlm(folder):
    """A narrow WavLM that has learned nothing."""
    torch.manual_seed(0)
    config = WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    WavLMModel(config).save_pretrained(folder)


def start_of(stage):
    return "first.safetensors" if stage == "second" else "second.safetensors"


def task_of(stage, made, start=None, **values):
    config = config_of(stage, **SHORT | values)
    fabric = make_fabric(config)
    fabric.launch()
    checkpoint.seed_all(config.seed)
    clips = list(inspect_list(made / "wavs/made.phonemes.txt", config).clips.values())
    kind = load(get_model("styletts2").stage(stage).task)
    return kind(config, fabric, clips, clips, {"init": start or made / start_of(stage)})


def batch_of(task, *places):
    return task.train_data.collate([task.train_data[Draw(place, seed=place)] for place in places])


def parts_of(task):
    return dict(task.system.named_children()) | dict(task.discriminators.named_children())


def weights_of(task):
    return {name: [weight.clone() for weight in part.parameters()] for name, part in parts_of(task).items()}


def moved(task, before):
    return {name for name, weights in weights_of(task).items() if not same(weights, before[name])}


@pytest.mark.parametrize("stage", ["second", "finetune"])
def test_what_learns_when(made, stage):
    task = task_of(stage, made, **PHASES, **HEARD, wavlm=str(made / "wavlm"))
    batch = batch_of(task, 0, 1)
    at_first, joining = ALWAYS, {"style_encoder", "decoder"}
    judges = {"mpd", "msd"}
    if stage == "finetune":
        at_first, joining = ALWAYS | joining | {"text_encoder", "text_aligner"} | judges, set()
    diffusing = at_first | {"diffusion"} | judges
    found = []
    for learnt in (at_first, diffusing, diffusing | joining | {"wd"}):
        before = weights_of(task)
        losses = task.step(batch)
        assert moved(task, before) == learnt
        assert all(loss.isfinite() for loss in losses.values())
        found.append({name for name, loss in losses.items() if loss != 0})
    assert "pitch_extractor" not in moved(task, before)
    assert found[0] & {"style", "diffusion", "fooling", "telling"} == set()
    assert ("generator" in found[0]) == (stage == "finetune")
    assert found[1] - found[0] == {"style", "diffusion"} | ({"generator", "discriminators"} - found[0])
    assert found[2] - found[1] == {"fooling", "telling"}
    assert (task.adversary_due, task.adversary_steps, task.complete) == (1, 1, 3)
    task.adversary_steps = 0
    assert "clips of 1 to 1 s" in task.advice([])


def test_what_hears_and_what_aligns_does_so_in_single_precision(made, monkeypatch):
    shape = {"diffusion_from": 0.0, "joint_from": 0.0, "wavlm": str(made / "wavlm")}
    task = task_of("second", made, precision="bf16-mixed", **shape, **HEARD)
    halves = {"hearing": [], "alignment": [], "discriminators": []}

    def note(name):
        halves[name].append(torch.is_autocast_enabled("cpu"))

    def aligned(*given, **further):
        note("alignment")
        return soft_alignment(*given, **further)

    monkeypatch.setattr(adversary, "soft_alignment", aligned)
    task.hearing.register_forward_hook(lambda *_: note("hearing"))
    for judge in (task.discriminators.mpd, task.discriminators.wd):
        judge.register_forward_hook(lambda *_: note("discriminators"))
    assert all(loss.isfinite() for loss in task.step(batch_of(task, 0, 1)).values())
    assert {name: {*found} for name, found in halves.items()} == {
        "hearing": {False},
        "alignment": {False},
        "discriminators": {True},
    }


def test_the_losses_of_a_step_are_the_published_ones(made):
    """A batch of one is all in one clip, but for its last step; so all can be reckoned without what is drawn."""
    task = task_of("second", made, max_frames=400)
    system = task.system.eval()  # without dropout
    batch = batch_of(task, 0)
    size = batch["mel"].shape[-1] // 2 - 1
    with torch.no_grad():
        attention = system.text_aligner(
            batch["mel"], torch.zeros(1, size + 1, dtype=torch.bool), batch["tokens"]
        ).attention[0, 1:]
        path = best_path(attention)
        durations = path.sum(dim=1)
        whole = system.predictor_encoder(batch["mel"])
        known = system.bert(batch["tokens"]).last_hidden_state
        encoded = system.predictor.text_encoder(system.bert_encoder(known).mT, whole, batch["token_lengths"])
        logits = system.predictor.durations(encoded, batch["token_lengths"])[0]
        mel = batch["mel"][..., : 2 * size]
        acoustic, prosodic = system.style_encoder(mel), system.predictor_encoder(mel)
        spelled = (system.text_encoder(batch["tokens"], batch["token_lengths"]) @ path)[..., :size]
        pitch, energies = system.predictor.contour((encoded.mT @ path)[..., :size], prosodic)
        rebuilt = system.decoder(spelled, system.pitch_extractor(mel), energy(mel), acoustic)
        made_wave = system.decoder(spelled, pitch, energies, acoustic)
        wanted = {
            "mel": MelDistance()(made_wave, rebuilt),
            "pitch": functional.smooth_l1_loss(system.pitch_extractor(mel), pitch) / 10,
            "energy": functional.smooth_l1_loss(energy(mel), energies),
            "duration": (logits.sigmoid().sum(dim=1) - durations)[1:-1].abs().mean(),
            "ending": functional.binary_cross_entropy_with_logits(
                logits, (torch.arange(8) < durations[:, None]).float()
            ),
        }
    weights = {"mel": 5, "pitch": 1, "energy": 1, "duration": 1, "ending": 20}
    wanted["loss"] = sum(weights[name] * loss for name, loss in wanted.items())
    found = task.step(batch)
    for name in wanted.keys() - {"mel", "loss"}:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-5)
    for name in ("mel", "loss"):  # the excitation's noise is drawn
        torch.testing.assert_close(found[name], wanted[name], rtol=0.05, atol=0.01)


def best_path(attention):
    """Of all ways through (T, steps) that stay on a token or go to the next, by dynamic programming in the open."""
    tokens, steps = attention.shape
    best = torch.full((tokens, steps), -torch.inf)
    best[0, 0] = attention[0, 0]
    for step in range(1, steps):
        for token in range(min(tokens, step + 1)):
            before = best[max(0, token - 1) : token + 1, step - 1].max()
            best[token, step] = before + attention[token, step]
    path, token = torch.zeros(tokens, steps), tokens - 1
    for step in range(steps - 1, -1, -1):
        path[token, step] = 1
        if step and token and best[token - 1, step - 1] > best[token, step - 1]:
            token -= 1
    return path


@pytest.mark.parametrize("decoder", ["istftnet", "hifigan"])
def test_many_voices_in_batches_of_one(tmp_path, made, decoder):
    values = {"many_voices": True, "decoder": decoder, "wavlm": str(made / "wavlm"), **HEARD}
    write_first(tmp_path / "first.safetensors", config_of("second", **SHORT, **values))
    task = task_of("second", made, tmp_path / "first.safetensors", **values, diffusion_from=0.0, joint_from=0.0)
    losses = task.step(batch_of(task, 1))
    assert all(loss.isfinite() for loss in losses.values())
    assert task.adversary_steps == 1
    with torch.no_grad():
        numbers = task.validate([batch_of(task, 0, 2)])
    loss = numbers.pop("loss")
    assert numbers.pop("mel_l1") > 0
    assert loss == pytest.approx(task.weighted(numbers), rel=1e-4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, made):
    """Three steps of the second stage, unbroken and broken after two."""
    folder = tmp_path_factory.mktemp("runs")
    shape = PHASES | HEARD | {"wavlm": str(made / "wavlm"), "checkpoint_every": 2, "validate_every": 3}
    arguments = made / "wavs/made.phonemes.txt", {"init": made / "first.safetensors"}
    train("second", folder / "unbroken", *arguments, **shape, max_steps=3)
    train("second", folder / "broken", *arguments, **shape, max_steps=2)
    train("second", folder / "broken", *arguments, **shape, max_steps=3)
    return folder


def test_resumed_inside_an_epoch_equals_unbroken(runs):
    first, second = (checkpoint.load(RunFolder(runs / name).checkpoint(3)) for name in ("unbroken", "broken"))
    for part in ("modules", "optimizers", "task"):
        assert same(first[part], second[part])
    for column in ("train/loss", "train/discriminators", "train/fooling", "train/telling"):
        assert numbers(runs / "unbroken", column) == numbers(runs / "broken", column)


def test_what_is_handed_on_speaks_and_says_its_deviation(runs):
    state = checkpoint.load(RunFolder(runs / "unbroken").checkpoint(3))
    total, count = state["task"]["deviations"]
    assert count == 2
    assert total > 0
    tensors, known = read_weights(runs / "unbroken")
    assert {key.partition(".")[0] for key in tensors} >= {*OF_FIRST, "bert", "predictor", "predictor_encoder"}
    assert known["stage"] == "second"
    for file in (runs / "unbroken", RunFolder(runs / "unbroken").checkpoint(3)):
        assert load_styletts2(file).diffusion.sigma_data == pytest.approx(total / count)
    sounds = sorted((runs / "unbroken/samples/step_00000003").iterdir())
    assert [path.name.split(".", 1)[1] for path in sounds] == ["made.wav", "said.wav", "true.wav"]
    assert soundfile.info(sounds[0]).frames == soundfile.info(sounds[2]).frames


def test_it_learns(tmp_path, made):
    shape = SHORT | {"max_steps": 10, "learning_rate": 5e-3, "validate_every": 10}
    train("second", tmp_path / "run", made / "wavs/made.phonemes.txt", {"init": made / "first.safetensors"}, **shape)
    for name, share in (("duration", 0.9), ("ending", 0.9), ("energy", 0.97)):
        found = numbers(tmp_path / "run", f"train/{name}")
        assert sum(found[-3:]) < share * sum(found[:3]), name


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, made):
    arguments = tmp_path / "run", made / "wavs/made.phonemes.txt", {"init": made / "first.safetensors"}
    with pytest.raises(TrainingError):
        train("second", *arguments, **SHORT, max_steps=9, learning_rate=1e30)


def test_the_second_stage_begins_with_the_first(tmp_path, made):
    sizes = replace(BertSizes(), width=128, heads=2, inner=24, embedding=8, layers=3)
    torch.save({"net": new_plbert(Sizes(bert=sizes)).state_dict()}, tmp_path / "step_1000000.t7")
    given = {"plbert": str(tmp_path / "step_1000000.t7")}
    other = {**SIZES, "hidden": 48, "longest_duration": 8}  # the weights keep their 32
    with pytest.raises(ConfigError, match=r"has a PL-BERT of 12 layers: say --set sizes.bert_layers=12"):
        system_of_first(made / "first.safetensors", config_of("second", sizes=other, **given))
    other["bert_layers"] = 12
    system = system_of_first(made / "first.safetensors", config_of("second", sizes=other, **given))
    assert system.sizes.bert == replace(sizes, layers=12)
    assert (system.sizes.hidden, system.sizes.longest_duration) == (32, 8)
    before, _ = read_weights(made / "first.safetensors")
    now = system.state_dict()
    assert all(torch.equal(now[key], value) for key, value in before.items())
    assert same(system.predictor_encoder.state_dict(), system.style_encoder.state_dict())
    assert torch.equal(now["bert.pooler.bias"], torch.load(tmp_path / "step_1000000.t7")["net"]["pooler.bias"])


def test_fine_tuning_begins_with_a_published_checkpoint(tmp_path, made):
    network = small(MANY_VOICES)
    judges = Judges(0.125, features=48)
    path = write_published(tmp_path / "epochs_2nd_00020.pth", network)
    tree = torch.load(path)
    tree["net"] |= {name: net.state_dict() for name, net in judges.named_children()}
    torch.save(tree, path)
    with pytest.raises(ConfigError, match=r"sizes.bert_layers=12"):
        system_of_second(path, config_of("finetune"))
    task = task_of("finetune", made, path, sizes={**SIZES, "bert_layers": 12}, wavlm=str(made / "wavlm"))
    now = task.system.state_dict()
    assert all(torch.equal(now[key], value) for key, value in network.state_dict().items())
    assert same(task.discriminators.state_dict(), judges.state_dict())
    assert task.system.sizes.many_voices


def test_another_stage_is_named(tmp_path, made):
    with pytest.raises(WeightsError, match="has been through the second stage; go on with it by --stage finetune"):
        system_of_first(made / "second.safetensors", config_of("second"))
    with pytest.raises(WeightsError, match="is of the first stage; go on with it by --stage second"):
        system_of_second(made / "first.safetensors", config_of("finetune"))
    with pytest.raises(ConfigError, match="trained with many_voices=false; say the same"):
        system_of_first(made / "first.safetensors", config_of("second", many_voices=True))
    parts = {"text_encoder": {"embedding.weight": torch.zeros(3, 4)}, "decoder": {"weight": torch.zeros(2)}}
    torch.save({"net": parts}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match="holds no style_encoder, text_aligner, pitch_extractor of"):
        system_of_first(tmp_path / "part.pth", config_of("second"))
    torch.save({"model": TextAligner(ALIGNER).state_dict()}, tmp_path / "aligner.pth")
    with pytest.raises(WeightsError, match="holds StyleTTS 2's text aligner, not StyleTTS 2"):
        system_of_second(tmp_path / "aligner.pth", config_of("finetune"))
    for name in ("plbert", "wavlm"):  # asked before an earlier stage of the same command begins
        with pytest.raises(WeightsError, match="nowhere"):
            load(get_model("styletts2").stage("second").task).check(config_of("second", **{name: "nowhere"}))
    for stage in ("first", "second", "finetune"):
        with pytest.raises(WeightsError, match="nowhere"):
            load(get_model("styletts2").stage(stage).task).check(config_of(stage, discriminators="nowhere"))
    with pytest.raises(ConfigError, match="other_texts: cannot be read"):
        load(get_model("styletts2").stage("second").task).check(config_of("second", other_texts="nowhere.txt"))
    for stage in ("second", "finetune"):
        with pytest.raises(ConfigError, match="give"):
            train(stage, tmp_path / stage, made / "wavs/made.phonemes.txt", {}, **SHORT, max_steps=1)


def test_phases_come_with_the_epochs(made):
    task = task_of("second", made, epoch_steps=10, diffusion_from=0.5, joint_from=1.5)
    found = []
    for task.complete in (4, 5, 14, 15):
        found.append(task.phase)
    assert found == [Phase(False, False), Phase(True, False), Phase(True, False), Phase(True, True)]
    eras = []
    for task.complete in (
        0,
        5,
        6,
        15,
        16,
    ):  # after a validation at step 5 the first step that diffuses is still to come
        eras.append(task.era)
    assert eras == [0, 0, 1, 1, 2]


def test_what_joins_in_the_wrong_order_is_refused():
    for stage in ("second", "finetune"):
        with pytest.raises(ConfigError, match="joint_from=5 comes before diffusion_from="):
            config_of(stage, joint_from=5.0)
