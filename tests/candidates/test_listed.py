"""The list of known models is whole, and what is chosen where no model is named stands in it."""

from collections import Counter

import pytest

from luthier.candidates.listed import MANY, known_models, list_date, listed, proposed, suited, use_title
from luthier.models.known import default_model


def test_every_entry_is_whole() -> None:
    models = known_models()
    assert 40 <= len(models) <= 60
    assert len({model.name.casefold() for model in models}) == len(models)
    for model in models:
        assert model.name.count("/") == 1 and 1 <= model.parameters < 2000 and model.context >= 512
        assert model.languages in ("en", "zh", MANY) and model.tokenizer in ("wordpiece", "unigram", "bpe")
        assert use_title(model.use)
    kinds = Counter(model.kind for model in models)
    assert set(kinds) == {"encoder", "sentence-embedding", "encoder-decoder", "causal"} and min(kinds.values()) >= 8
    assert len(list_date()) == 10


@pytest.mark.parametrize("kind", ["", "AutoModelForSeq2SeqLM"])
@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("language", ["en", "zh", "de"])
def test_the_defaults_agree_with_it(language: str, gpu: bool, kind: str) -> None:
    chosen, _ = default_model(language, gpu, kind)
    entry = listed(chosen.name)
    assert entry is not None and entry.parameters == chosen.parameters
    assert entry.languages in (language, MANY)
    if not kind:
        assert entry in suited("AutoModelForSequenceClassification", language, gpu)


def test_what_is_proposed_suits_task_language_and_machine() -> None:
    found = suited("AutoModelForSequenceClassification", "zh", False)
    assert found and all(model.languages in ("zh", MANY) and model.parameters <= 160 for model in found)
    assert [model.languages for model in found] == sorted((m.languages for m in found), key=lambda code: code == MANY)
    assert {model.kind for model in suited("AutoModelForSeq2SeqLM", "en", True)} == {"encoder-decoder"}
    assert {model.kind for model in suited("AutoModelForCausalLM", "en", True)} == {"causal"}
    assert suited("AutoModel", "en", False)[0].kind == "sentence-embedding"
    assert listed("SENTENCE-transformers/all-minilm-l6-v2") and listed("nobody/nothing") is None


def test_a_few_of_different_sizes_are_proposed_the_usual_one_first() -> None:
    kind, usual = "AutoModelForSequenceClassification", "sentence-transformers/all-MiniLM-L6-v2"
    found = proposed(kind, "en", False, usual, ())
    assert found[0].name == usual and len(found) == 8 and {model.languages for model in found} == {"en"}
    assert len({model.kind for model in found}) == 2
    sizes = [model.parameters for model in found[1:]]
    assert sizes == sorted(sizes) and sizes[0] < 15 and sizes[-1] > 140
    assert usual not in {model.name for model in proposed(kind, "en", False, usual, [usual])}
    assert MANY in {model.languages for model in proposed(kind, "fr", False, "", ())}
