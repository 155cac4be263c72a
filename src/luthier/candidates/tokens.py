"""What a candidate's tokenizer makes of the texts."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

from luthier.doctor.texts.tokens import counted_tokens
from luthier.evaluation.baselines import Examples
from luthier.task import AnyTask


@dataclass(frozen=True)
class TextFit:
    """per_character: tokens a character, without special ones; of languages with spaces about 0.2 to 0.25 is usual, of
    Chinese 0.6 to 1. unknown: share of the tokens that the tokenizer does not know. cut: share of the rows that are
    longer than what the model reads."""

    per_character: float
    unknown: float
    cut: float


def text_fit(task: AnyTask, tokenizer: Tokenizer, examples: Examples, most: int) -> TextFit:
    """most: tokens that the model reads at once."""
    texts = [task.format.whole_text(example.input, example.answer) for example in examples]
    lengths_N, unknown_N = counted_tokens(tokenizer, texts)
    special = tokenizer.num_special_tokens_to_add(is_pair=False)
    tokens = max(1, int((lengths_N - special).sum()))
    cut = 0.0 if task.joins else float((task.row_lengths(examples, tokenizer) > most).mean())
    return TextFit(tokens / max(1, sum(map(len, texts))), float(unknown_N.sum() / tokens), cut)
