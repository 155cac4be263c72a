"""The fused model and its encoders: what goes in beside a row changes nothing, and each part can be absent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.errors import Place
from luthier.media.files import Media, named_media
from luthier.models.encoders import MOST_TOKENS, MediaReader
from luthier.models.own.fusion import FUSIONS, Fuse, FusionConfig
from luthier.training.dropout import cheap_dropout
from luthier.types import Example
from media.made import draw_shape, png, tone, wav, write_resnet, write_wav2vec, write_whisper
from tiny import Bench, TinyModels, bench

pytestmark = pytest.mark.slow

B, T, P, H, D = 6, 5, 4, 16, 12


def files(folder: Path, kind: str, contents: Sequence[bytes]) -> list[Media]:
    found: list[Media] = []
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
        media = named_media(str(number), kind, Place(str(folder / "rows.csv"), number + 2))
        assert media is not None
        found.append(media)
    return found


def fuse(fusion: str, modality_dropout: float = 0.0) -> Fuse:
    torch.manual_seed(0)
    text: Any = {"model_type": "bert", "hidden_size": H, "num_attention_heads": 4}
    made = Fuse(FusionConfig(text_config=text, media_size=D, fusion=fusion, modality_dropout=modality_dropout))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


def states(seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    ones = torch.ones
    return {
        "text_BTH": torch.randn(B, T, H), "text_mask_BT": ones(B, T).bool(), "has_text_B": ones(B).bool(),
        "media_BPD": torch.randn(B, P, D), "media_mask_BP": ones(B, P).bool(),
    }  # fmt: skip


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_padding_of_either_part_changes_nothing(fusion: str) -> None:
    model, given = fuse(fusion).eval(), states()
    padded = {
        **given,
        "text_BTH": torch.nn.functional.pad(given["text_BTH"], (0, 0, 0, 2), value=9.0),
        "text_mask_BT": torch.nn.functional.pad(given["text_mask_BT"], (0, 2)),
        "media_BPD": torch.nn.functional.pad(given["media_BPD"], (0, 0, 0, 3), value=-9.0),
        "media_mask_BP": torch.nn.functional.pad(given["media_mask_BP"], (0, 3)),
    }
    torch.testing.assert_close(model(**padded), model(**given), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_what_is_absent_is_not_looked_at_and_what_is_there_is(fusion: str) -> None:
    model, given, other = fuse(fusion).eval(), states(), states(seed=1)
    no_text = {**given, "has_text_B": torch.zeros(B).bool()}
    no_media = {**given, "media_mask_BP": torch.zeros(B, P).bool()}
    assert torch.equal(model(**{**no_text, "text_BTH": other["text_BTH"]}), model(**no_text))
    assert torch.equal(model(**{**no_media, "media_BPD": other["media_BPD"]}), model(**no_media))
    for name in ("text_BTH", "media_BPD"):
        assert not torch.allclose(model(**{**given, name: other[name]}), model(**given))


def test_training_takes_one_part_away_now_and_then_and_never_both() -> None:
    model, there = fuse("concat", modality_dropout=0.4).train(), torch.ones(2000).bool()
    text, media = model._kept(there, there)
    assert bool((text | media).all())
    assert 0.2 < 1 - text.float().mean() < 0.4 and 0.2 < 1 - media.float().mean() < 0.4
    only = torch.zeros(2000).bool()
    assert bool(model._kept(there, only)[0].all()), "the only part that a row has is never taken away"
    assert bool(model.eval()._kept(there, there)[0].all())


@pytest.fixture
def ready(models: TinyModels) -> Bench:
    return bench("fusion", models.encoder, modality_dropout=0.5)


def test_what_is_taken_away_hangs_on_the_row_and_not_on_the_batch(ready: Bench) -> None:
    with cheap_dropout(ready.model, seed=3) as noise:
        ready.model.train()
        losses: list[float] = []
        for size in (99, 3):
            total = 0.0
            for batch in ready.batches(size):
                noise.begin(1, batch.numbers)
                total += float(ready.codec.task.loss(ready.model, batch).detach())
            losses.append(total)
        noise.begin(2, ready.batches(99)[0].numbers)
        other = float(ready.codec.task.loss(ready.model, ready.batches(99)[0]).detach())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert other != pytest.approx(losses[0], rel=1e-4)


def test_the_frozen_features_are_standardised_over_the_training_files(ready: Bench) -> None:
    arrays = {window.window.arrays["media"].tobytes(): window.window.arrays["media"] for window in ready.windows}
    states_ND = np.concatenate(list(arrays.values())).astype(np.float32)
    model: Any = ready.model
    scaled = (states_ND - model.fuse.mean.numpy()) / model.fuse.spread.numpy()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-2)


@pytest.mark.parametrize("write", [write_whisper, write_wav2vec])
def test_a_sound_is_heard_alike_alone_and_beside_longer_ones(write: Any, tmp_path: Path) -> None:
    sounds = files(tmp_path, "audio", [wav(tone(300 * n, 0.1 * n)) for n in (1, 2, 3, 2)])
    write(tmp_path / "encoder")
    together = MediaReader(tmp_path / "encoder", "audio", 30.0, "cpu").encoded(sounds)
    alone = [MediaReader(tmp_path / "encoder", "audio", 30.0, "cpu").encoded([one])[0] for one in sounds]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.astype(float), b.astype(float), atol=2e-3)


def test_a_file_is_read_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    images = files(tmp_path, "image", [png(draw_shape(colour, "disc")) for colour in ("red", "blue")])
    reader = MediaReader(write_resnet(tmp_path / "encoder"), "image", 30.0, "cpu")
    before = reader.encoded(images)
    for path in (tmp_path / "0", tmp_path / "1"):
        path.unlink()
    for a, b in zip(before, reader.encoded([*images, *images]), strict=False):
        assert np.array_equal(a, b)
    assert all(len(states_PD) <= MOST_TOKENS for states_PD in before)


def test_the_last_map_of_a_convolutional_network_is_read_place_by_place(tmp_path: Path) -> None:
    left, right = draw_shape("red", "disc", 64), draw_shape("red", "disc", 64).transpose(0)
    images = files(tmp_path, "image", [png(left), png(right)])
    first, second = MediaReader(write_resnet(tmp_path / "encoder"), "image", 30.0, "cpu").encoded(images)
    assert first.ndim == 2 and first.shape[1] == 32 and first.shape[0] > 1
    assert not np.allclose(first, second, atol=1e-2)


@pytest.mark.parametrize("which", ["vision", "resnet"])
def test_a_tuned_encoder_is_a_part_of_the_model_and_learns(which: str, models: TinyModels, tmp_path: Path) -> None:
    folder = models.vision if which == "vision" else write_resnet(tmp_path / "resnet")
    ready = bench("fusion", models.encoder, encoder=str(folder), tune_encoder=True)
    inputs = [replaced(example, number) for number, example in enumerate(ready.examples)]
    windows = ready.codec.encode_labelled(inputs)
    ready.model.train()
    together = ready.codec.task.loss(ready.model, ready.codec.collate_labelled(windows))
    together.backward()
    encoder: Any = ready.model.get_submodule("media_encoder")
    assert any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in encoder.parameters())
    ready.model.eval()
    with torch.no_grad():
        whole = float(ready.codec.task.loss(ready.model, ready.codec.collate_labelled(windows)))
        alone = sum(float(ready.codec.task.loss(ready.model, ready.codec.collate_labelled([w]))) for w in windows)
    assert whole == pytest.approx(alone, rel=1e-4)


def replaced(example: Example[Any, Any], number: int) -> Example[Any, Any]:
    """Every third row loses its image."""
    import dataclasses

    if number % 3:
        return example
    return dataclasses.replace(example, input=dataclasses.replace(example.input, media=None))
