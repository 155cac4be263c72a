"""A masked language model's words take the place of others, where its folder has a head for it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from luthier.augmenting.masked import load_masked, propose, replacing
from luthier.augmenting.methods import mask
from luthier.augmenting.safety import Safety
from luthier.errors import ModelError
from luthier.models.find import find_model
from luthier.progress import SILENT
from luthier.runtime import Runtime
from luthier.text.words import core, units
from tiny import TinyModels
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow


LIKED = ("today", "again", "the", "refund")
TEXTS = ["Please send it to my depot on Monday, still waiting", "is that with a card for this", "not", "42 !!"]


@pytest.fixture(scope="module")
def folder(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with a head that would put one of a few words anywhere."""
    path = tmp_path_factory.mktemp("masked")
    tokenizer = AutoTokenizer.from_pretrained(models.encoder)
    tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64,
    ))  # fmt: skip
    with torch.no_grad():
        bias = model.get_output_embeddings().bias
        bias[tokenizer.convert_tokens_to_ids([*LIKED, "##s", "[SEP]"])] += 9
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def change_of(folder: Path, safety: Safety, share: float = 0.3):
    return propose(load_masked(find_model(str(folder)), "cpu"), TEXTS, safety, share, Runtime(), SILENT)


def draws(change, text: str) -> list[str]:
    return [change(text, np.random.default_rng(seed)) for seed in range(100)]


def test_words_give_way_to_what_the_model_likes(folder: Path) -> None:
    safety = Safety(named=frozenset({"card"}), telling=frozenset({"refund", "depot"}))
    change, before = change_of(folder, safety), [core(unit) for unit in units(TEXTS[0])]
    put: set[str] = set()
    for said in draws(change, TEXTS[0]):
        after = [core(unit) for unit in units(said)]
        assert len(after) == len(before) and after[5] == "depot"  # the class hangs on it
        put |= {new for new, old in zip(after, before, strict=True) if new != old}
    assert put and put <= {"today", "again", "the"}  # no word of a class, no part of a word, no special token


def test_signs_and_capitals_stay_with_the_place(folder: Path) -> None:
    said = " ".join(draws(change_of(folder, Safety(), 0.5), TEXTS[0]))
    assert "Monday," in said
    replaced = {word for word in said.split() if word.endswith(",")} - {"Monday,"}
    assert replaced and replaced <= {"Today,", "Again,", "The,", "Refund,"}


def test_the_share_is_of_all_words_and_texts_without_proposals_stay() -> None:
    words = {0: ["x"], 1: ["x"], 2: ["x"]}
    change = replacing({"a b c d e f": words}, 0.25)
    replaced = np.mean([said.count("x") for said in draws(change, "a b c d e f") * 3])
    assert replaced == pytest.approx(0.25 * 6, abs=0.2)
    assert change("never seen", np.random.default_rng(0)) == "never seen"


def test_texts_without_a_word_to_replace_are_left_alone(folder: Path) -> None:
    change = change_of(folder, Safety(), 0.5)
    assert all(set(draws(change, text)) == {text} for text in TEXTS[2:])


def test_asking_again_gives_the_same(folder: Path) -> None:
    first, again = (draws(change_of(folder, Safety()), TEXTS[1]) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_model_without_such_a_head_is_refused_with_the_remedy(kind: str, models: TinyModels) -> None:
    with pytest.raises(ModelError, match="has no masked-language head") as caught:
        load_masked(find_model(str(getattr(models, kind))), "cpu")
    assert "augment.model=" in str(caught.value) and "augment.method=swap" in str(caught.value)


def test_the_model_can_be_another_than_the_one_that_is_tuned(
    folder: Path, models: TinyModels, tickets: Path, tmp_path: Path
) -> None:
    words = ["train", tickets, f"model={models.encoder}", *QUICK, "train.epochs=1", "augment=mask"]
    refused = luthier(*words, "--out", tmp_path / "none")
    assert refused.returncode == 2 and "has no masked-language head" in refused.stderr
    assert not (tmp_path / "none").exists()
    done = luthier(*words, f"augment.model={folder}", "--out", tmp_path / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    assert report(tmp_path / "run")["augment"]["method"] == "mask"


def test_the_methods_default_is_the_model_that_is_tuned(folder: Path) -> None:
    from luthier.augmenting.method import Setting

    method = mask(Setting(TEXTS, ["a", "b", "a", "b"], find_model(str(folder)), "cpu"), share=0.4)
    change = method.prepare(TEXTS, Runtime(), SILENT)
    assert len(set(draws(change, TEXTS[1]))) > 5
