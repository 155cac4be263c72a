"""What a masked language model would write in the place of a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from luthier.augmenting.method import Change
from luthier.augmenting.safety import Safety
from luthier.batching import cut
from luthier.errors import ModelError
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.models.load import LoadedTokenizer, load_model, load_tokenizer
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.text.words import core, units

_ROUNDS = 3
_HIDDEN = 0.15
"""Of the words of a text, hidden in each round: what such models were trained with."""
_TOP = 10
_LEAST = 0.02
"""Probability below which a proposal is a guess."""
_MOST_TOKENS = 8192
_WORD_STARTS = ("Ġ", "▁")
"""How vocabularies mark a token that begins a word, where they do not mark the others (##)."""

Proposals = Mapping[str, Mapping[int, Sequence[str]]]
"""By text and number of the word, what may stand there."""


@dataclass(frozen=True)
class Masked:
    """model: with a masked-language head, in fp32 and evaluation mode. mask, mask_id: the token that hides a word."""

    model: Any
    tokenizer: LoadedTokenizer
    mask: str
    mask_id: int
    most_tokens: int


def load_masked(folder: ModelFolder, device: str) -> Masked:
    """Errors: ModelError where the folder holds no masked-language head."""
    fix = t(
        "name a model that has one, such as augment.model=google-bert/bert-base-uncased, or use augment.method=swap"
    )
    tokenizer = load_tokenizer(folder.folder)
    try:
        loaded = load_model(folder.folder, "AutoModelForMaskedLM", {}, seed=0, device=device)
    except ModelError as error:
        what = t("has no masked-language head ({reason})", reason=error.problems[0].what)
        raise ModelError.at(folder.name, what, fix, code="no-masked-head") from None
    mask = str(tokenizer.wrapped.mask_token)
    mask_id = tokenizer.backend.token_to_id(mask)
    if loaded.fresh or mask_id is None:
        reason = t("{names} are missing", names=", ".join(loaded.fresh[:2]) or t("mask tokens"))
        what = t("has no masked-language head ({reason})", reason=reason)
        raise ModelError.at(folder.name, what, fix, code="no-masked-head")
    loaded.model.eval()
    return Masked(loaded.model, tokenizer, mask, mask_id, folder.most_tokens)


def propose(
    masked: Masked, texts: Sequence[str], safety: Safety, share: float, runtime: Runtime, screen: Progress
) -> Change:
    """The change that replaces words by proposals. The first process asks the model, the others are told."""
    found: dict[str, dict[int, list[str]]] | None = None
    if runtime.is_first:
        found = {}
        with screen.track(t("asking the masked language model"), _ROUNDS * len(texts)) as tracker:
            for text, number, words in _proposals(masked, texts, safety, tracker.advance):
                found.setdefault(text, {})[number] = words
    return replacing(runtime.gather(found)[0], share)


def replacing(proposals: Proposals, share: float) -> Change:
    """Words are replaced so that, of all of a text's words, this share is on average, as far as there are proposals."""

    def change(text: str, rng: np.random.Generator) -> str:
        there = proposals.get(text, {})
        words = units(text)
        drawn = rng.random((len(there), 2))
        chance = share * len(words) / max(1, len(there))
        for (number, choices), (chosen, which) in zip(sorted(there.items()), drawn, strict=True):
            if chosen < chance:
                words[number] = _in_place_of(words[number], choices[int(which * len(choices))])
        return "".join(words)

    return change


def _in_place_of(unit: str, word: str) -> str:
    """The word with the space, the signs and the capital of the one that it replaces."""
    start = unit.casefold().find(core(unit))
    old = unit[start : start + len(core(unit))]
    return unit[:start] + (word.capitalize() if old[:1].isupper() else word) + unit[start + len(old) :]


def _proposals(masked: Masked, texts: Sequence[str], safety: Safety, done: Any) -> Iterator[tuple[str, int, list[str]]]:
    """For words here and there of each text what may stand in their place."""
    backend = masked.tokenizer.backend
    backend.no_padding()
    backend.enable_truncation(masked.most_tokens, strategy="longest_first")
    allowed = _allowed(masked, safety)
    for round_number in range(_ROUNDS):
        asked: list[tuple[str, list[str], list[int]]] = []
        hidden: list[str] = []
        for row, text in enumerate(texts):
            words = units(text)
            free = [i for i, word in enumerate(words) if safety.is_replaceable(word)]
            order = np.random.default_rng((row, 0)).permutation(free).tolist()
            each = max(1, round(_HIDDEN * len(words)))
            numbers = sorted(order[round_number * each : (round_number + 1) * each])
            if numbers:
                asked.append((text, words, numbers))
                hidden.append(_hide(words, numbers, masked.mask))
        done(len(texts) - len(asked))
        encodings = backend.encode_batch_fast(hidden)
        for batch in cut(range(len(asked)), [len(e.ids) for e in encodings], _MOST_TOKENS):
            ids = [encodings[i].ids for i in batch]
            for i, answers in zip(batch, _ask(masked, ids, allowed), strict=True):
                text, words, numbers = asked[i]
                for number, said in zip(numbers, answers, strict=False):  # a long text was cut
                    others = [word for word in said if word != core(words[number])]
                    if others:
                        yield text, number, others
            done(len(batch))


def _hide(words: Sequence[str], numbers: Sequence[int], mask_token: str) -> str:
    return "".join(_in_place_of(word, "\0") if i in numbers else word for i, word in enumerate(words)).replace(
        "\0", mask_token
    )


def _allowed(masked: Masked, safety: Safety) -> Mapping[int, str]:
    """The tokens that are words of their own and may be put in."""
    vocabulary = masked.tokenizer.backend.get_vocab(with_added_tokens=False)
    special = set(masked.tokenizer.wrapped.all_special_tokens)
    marked = any(token.startswith(_WORD_STARTS) for token in vocabulary)
    return {
        number: word
        for token, number in vocabulary.items()
        if token not in special and (not marked or token.startswith(_WORD_STARTS))
        for word in [token.lstrip("".join(_WORD_STARTS))]
        if word.casefold() == core(word) and safety.is_replaceable(word)
    }


def _ask(masked: Masked, ids: Sequence[Sequence[int]], allowed: Mapping[int, str]) -> list[list[list[str]]]:
    """For each text, for each mask in it, the likely words, the likeliest first."""
    width, mask_id = max(map(len, ids)), masked.mask_id
    device = masked.model.device
    padded = torch.tensor([[*row, *[masked.tokenizer.pad_id] * (width - len(row))] for row in ids], device=device)
    seen = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids], device=device)
    with torch.inference_mode():
        logits_BTV = masked.model(input_ids=padded, attention_mask=seen).logits
    places = padded.eq(mask_id).nonzero().tolist()
    answers: list[list[list[str]]] = [[] for _ in ids]
    for row, at in places:
        top = logits_BTV[row, at].float().softmax(-1).topk(_TOP)
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        answers[row].append([allowed[number] for number, p in pairs if p >= _LEAST and number in allowed])
    return answers
