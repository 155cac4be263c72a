"""What the decoder is given, and what it has to say, is what transformers trains each family with."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from luthier.errors import ConfigError, ModelError
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.models.load import load_tokenizer
from luthier.types import IGNORE
from luthier.writing.frame import answer_frame, language_codes
from tiny import Bench, TinyModels, bench
from writing.makes import MAKES, write_make

OF_MANY = {"mbart": ("en_XX", "zh_CN"), "mbart50": ("en_XX", "zh_CN"), "nllb": ("eng_Latn", "zho_Hans")}


QUICK = ("t5", "bart", "mbart50")
EACH = [make if make in QUICK else pytest.param(make, marks=pytest.mark.slow) for make in MAKES]


@pytest.fixture(scope="module", params=EACH)
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    torch.manual_seed(0)
    return request.param, write_make(tmp_path_factory.mktemp("makes") / request.param, request.param)


def ready_with(make: tuple[str, Path]) -> Bench:
    name, folder = make
    told = dict(zip(("source_language", "target_language"), OF_MANY.get(name, (None, None)), strict=True))
    return bench("seq2seq", folder, max_length=200, samples=2, max_new_tokens=12, **told)


def test_the_decoder_is_given_what_transformers_gives_it(make: tuple[str, Path]) -> None:
    ready = ready_with(make)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(make[1])
    if make[0] in OF_MANY:
        tokenizer.src_lang, tokenizer.tgt_lang = OF_MANY[make[0]]
    for example, window in zip(ready.examples[:3], ready.windows, strict=False):
        labels = tokenizer(text_target=example.answer)["input_ids"]
        ours, targets = window.window.arrays["decoder_input_ids"].tolist(), window.targets.tolist()
        if hasattr(ready.model, "prepare_decoder_input_ids_from_labels"):
            theirs = ready.model.prepare_decoder_input_ids_from_labels(torch.tensor([labels]))[0].tolist()
        else:
            theirs = [ready.model.config.decoder_start_token_id, *labels[:-1]]
        assert ours == theirs[: len(ours)] and len(theirs) - len(ours) <= 1  # mBART ends in a language, too
        learnt = [i for i, target in enumerate(targets) if target != IGNORE]
        assert [targets[i] for i in learnt] == [labels[i] for i in learnt]
        assert targets[-1] == tokenizer.eos_token_id
        assert window.window.arrays["input_ids"].tolist() == tokenizer(example.input)["input_ids"]


@pytest.mark.slow
def test_the_loss_is_that_of_transformers(make: tuple[str, Path]) -> None:
    ready = ready_with(make)
    batch = ready.batches(4)[0]
    with torch.no_grad():
        ours = ready.codec.task.loss(ready.model.eval(), batch)
        theirs = ready.model(**batch.inputs.tensors, labels=batch.targets).loss * batch.num_targets
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)


@pytest.mark.slow
def test_plain_transformers_writes_what_the_saved_model_writes(make: tuple[str, Path], tmp_path: Path) -> None:
    ready = ready_with(make)
    with torch.no_grad():  # else all say the same
        for parameter in ready.model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    save_artifact(tmp_path / "saved", ready.model, ready.codec, load_tokenizer(make[1]).wrapped, "a card")
    texts = [example.input for example in ready.examples[:3]]
    said = [each["generated_text"] for each in load_artifact(tmp_path / "saved").predict(texts)]
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    if make[0] in OF_MANY:
        tokenizer.src_lang = OF_MANY[make[0]][0]
    model: Any = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "saved").eval()
    for text, ours in zip(texts, said, strict=True):
        plain = model.generate(**tokenizer(text, return_tensors="pt"))
        assert tokenizer.decode(plain[0], skip_special_tokens=True).strip() == ours
    assert any(said)


@pytest.mark.slow
def test_languages_are_those_of_most_rows_where_none_is_named(tmp_path: Path) -> None:
    for make, codes in (("mbart50", ("en_XX", "en_XX")), ("nllb", ("eng_Latn", "eng_Latn"))):
        task = bench("seq2seq", write_make(tmp_path / make, make)).codec.task
        assert (task.source_language, task.target_language) == codes
        german = bench("seq2seq", tmp_path / make, source_language="de").codec
        (window,) = german.encode(["ja"])[0]
        names = load_tokenizer(tmp_path / make).wrapped.convert_ids_to_tokens(window.arrays["input_ids"].tolist())
        assert [name for name in names if name.startswith("de")] == ["de_DE" if make == "mbart50" else "deu_Latn"]


def test_a_language_that_the_model_does_not_know_is_refused_with_those_that_it_knows(tmp_path: Path) -> None:
    write_make(tmp_path / "mbart", "mbart")
    assert "zh_CN" in language_codes(tmp_path / "mbart")
    with pytest.raises(ConfigError, match=r"(?s)task\.target_language.*tlh.*zh_CN"):
        bench("seq2seq", tmp_path / "mbart", target_language="tlh")
    write_make(tmp_path / "t5", "t5")
    with pytest.raises(ConfigError, match="no languages to choose among"):
        bench("seq2seq", tmp_path / "t5", target_language="de")


def test_a_model_without_a_decoder_is_told_what_fits(models: TinyModels) -> None:
    for folder in (models.encoder, models.decoder):
        with pytest.raises(ModelError, match=r"(?s)no decoder.*T5.*task=sft"):
            answer_frame(folder)
