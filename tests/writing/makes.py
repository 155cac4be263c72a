"""Tiny encoder-decoders of every family that differs in what stands around an answer, with tokenizers of the family."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import transformers as hf

from tiny import write_bart, write_t5

_SIDES: dict[str, Any] = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 32))
}
_FAIRSEQ: dict[str, Any] = {
    "d_model": 16, "max_position_embeddings": 256, "dropout": 0.0, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2, **_SIDES,
}  # fmt: skip
MAKES = ("t5", "mt5", "bart", "mbart", "mbart50", "pegasus", "marian", "nllb")


def write_make(folder: Path, make: str) -> Path:
    if make == "bart":
        return write_bart(folder)
    if make == "t5":
        return write_t5(folder)
    model, tokenizer = _others(make)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def _others(make: str) -> tuple[Any, Any]:
    pieces = _pieces()
    if make == "mt5":
        tokenizer = hf.T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces], extra_ids=4)
        size: Any = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
        config = hf.MT5Config(vocab_size=len(tokenizer), decoder_start_token_id=0, **size)
        return hf.MT5ForConditionalGeneration(config), tokenizer
    if make == "pegasus":
        tokenizer = hf.PegasusTokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces], offset=4)
        ends = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
        return hf.PegasusForConditionalGeneration(
            hf.PegasusConfig(vocab_size=len(tokenizer), **{**_FAIRSEQ, **ends})
        ), tokenizer
    if make == "marian":  # with a fast tokenizer, as those have that were converted
        tokenizer = hf.T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces], extra_ids=0)
        ends = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
        return hf.MarianMTModel(hf.MarianConfig(vocab_size=len(tokenizer), **{**_FAIRSEQ, **ends})), tokenizer
    if make == "nllb":
        letters = {word: 4 + i for i, word in enumerate(sorted({c for piece, _ in pieces for c in piece}))}
        tokenizer = hf.NllbTokenizer(vocab={"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, **letters}, merges=[])
        config = hf.M2M100Config(vocab_size=len(tokenizer), decoder_start_token_id=2, **_FAIRSEQ)
        return hf.M2M100ForConditionalGeneration(config), tokenizer
    codes = [(code, 0.0) for code in ("de_DE", "en_XX", "zh_CN")]
    whole = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, *codes, ("<mask>", 0.0)]
    kind = hf.MBartTokenizer if make == "mbart" else hf.MBart50Tokenizer
    tokenizer = kind(vocab=whole, src_lang="en_XX")
    start = {"decoder_start_token_id": 2} if make == "mbart50" else {}
    config = hf.MBartConfig(vocab_size=len(tokenizer), **_FAIRSEQ, **start)
    return hf.MBartForConditionalGeneration(config), tokenizer


@cache
def _pieces() -> list[tuple[str, float]]:
    """Words and their scores."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_t5(Path(folder) / "t5")
        whole = json.loads((Path(folder) / "t5" / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    return [(piece, score) for piece, score in whole[3:]]
