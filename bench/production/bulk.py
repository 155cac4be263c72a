"""python -m bench.production.bulk RUN FILE [--text NAME] [--pairs N] [--rows N] [--quick]

How many texts a second does a finished run of classification answer in bulk on this CPU, and what do others get out of
the same weights? In turn, in one process, ways in the order A B … B A, medians of ratios:

  pipeline       transformers' pipeline, batch_size=32
  sorted torch   transformers' model over texts sorted by length, 32 at a time, all cores on each batch
  onnxruntime    `luthier export --format onnx` in ONNX Runtime, 32 texts at a time in the order of the file
  onnxruntime 1  the same, one text at a time, so that nothing is padded
  luthier        `luthier predict RUN FILE -o answers.jsonl`: reading the file and writing the answers are counted
  luthier bf16   with --precision bf16
  luthier int8   of an export with --format onnx-int8, whatever its gate says

Answers are held against the pipeline's: the share of other labels, and how far a score moved at most. Loading and
starting are not counted. Exports that lie in the run's folder are taken from there. --quick: two pairs over 400 rows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from luthier.runtime import cpu_name, has_bf16

Way = Callable[[], list[dict[str, Any]]]
"""Answers all rows: label and score each."""
PEERS = ("pipeline", "sorted torch", "onnxruntime", "onnxruntime 1")
BATCH = 32


def main() -> None:
    words = _parser().parse_args()
    if words.quick:
        words.pairs, words.rows = 2, 400
    with tempfile.TemporaryDirectory() as place:
        ways, count = _ways(words, Path(place))
        said = {name: way() for name, way in ways.items()}  # also what warms them up
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for pair in range(words.pairs):
            for name in list(ways) if pair % 2 == 0 else list(ways)[::-1]:
                begin = time.perf_counter()
                ways[name]()
                taken[name].append(time.perf_counter() - begin)
                print(f"{pair + 1}/{words.pairs} {name}: {count / taken[name][-1]:.0f} texts/s", flush=True)
    print(_table(said, taken, count))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench.production.bulk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path, help="its columns are named as those that the run learnt from")
    parser.add_argument("--rows", type=int, default=2000, help="of the file")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    return parser


def _ways(words: argparse.Namespace, place: Path) -> tuple[dict[str, Way], int]:
    """The ways by name, and how many rows each answers."""
    from luthier.config.schema import DataSettings
    from luthier.exporting.export import FOLDER, export
    from luthier.inference.artifact import load_artifact
    from luthier.preparing.again import read_inputs

    plain = load_artifact(words.run, "cpu")
    texts = list(islice(read_inputs(str(words.file), plain.codec, DataSettings()), words.rows))
    there = {form: words.run / FOLDER / form for form in ("onnx", "onnx-int8")}
    for form, folder in there.items():
        if not folder.is_dir():
            there[form] = place / form
            export(words.run, form, there[form], max_loss=0.99)
    ways = {**_torch_peers(words.run / "model", texts), **_runtime_peers(there["onnx"], texts)}
    ways["luthier"] = _ours(plain, words, place)
    if has_bf16("cpu"):
        ways["luthier bf16"] = _ours(load_artifact(words.run, "cpu", "bf16"), words, place)
    if there["onnx-int8"].is_dir():
        ways["luthier int8"] = _ours(load_artifact(there["onnx-int8"]), words, place)
    return ways, len(texts)


def _ours(predictor: Any, words: argparse.Namespace, place: Path) -> Way:
    """What `luthier predict` does once the model is loaded."""
    import json

    from luthier.config.schema import DataSettings
    from luthier.inference.stream import answer
    from luthier.preparing.again import read_inputs
    from luthier.report.files.growing import growing_file

    def way() -> list[dict[str, Any]]:
        inputs = islice(read_inputs(str(words.file), predictor.codec, DataSettings()), words.rows)
        out = place / "answers.jsonl"
        with growing_file(out, {}, resume=False, every=4096) as growing:
            for _, said in answer(predictor, inputs):
                growing.write(json.dumps(predictor.codec.task.show(said, None), ensure_ascii=False))
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]

    return way


def _torch_peers(folder: Path, texts: Sequence[str]) -> dict[str, Way]:
    import torch
    import transformers
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    transformers.logging.set_verbosity_error()
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
    model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder), dtype=torch.float32).eval()
    pipe = getattr(transformers, "pipeline")(  # noqa: B009  our stubs leave it out
        "text-classification", model=model, tokenizer=tokenizer, batch_size=BATCH, truncation=True, device="cpu"
    )

    def in_order() -> list[dict[str, Any]]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, dict[str, Any]] = {}
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                part = order[start : start + BATCH]
                given = tokenizer([texts[i] for i in part], padding=True, truncation=True, return_tensors="pt")
                probabilities = model(**given).logits.softmax(-1)
                for i, (score, label) in zip(part, zip(*map(torch.Tensor.tolist, probabilities.max(-1)), strict=True),
                                             strict=True):  # fmt: skip
                    found[i] = {"label": model.config.id2label[label], "score": score}
        return [found[i] for i in range(len(texts))]

    return {"pipeline": lambda: pipe(list(texts)), "sorted torch": in_order}


def _runtime_peers(folder: Path, texts: Sequence[str]) -> dict[str, Way]:
    import onnxruntime
    from tokenizers import Tokenizer

    from luthier import catalog
    from luthier.codec import Codec
    from luthier.graphed import softmax
    from luthier.inference.graph import GRAPH, session_of

    codec = Codec.load(folder, catalog.task)
    labels = codec.task.class_names()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(codec.text.max_length)
    tokenizer.enable_padding(pad_id=codec.text.pad_id)
    graph = session_of(onnxruntime, folder / GRAPH)

    def ask(size: int) -> list[dict[str, Any]]:
        import numpy as np

        found: list[dict[str, Any]] = []
        for start in range(0, len(texts), size):
            read = tokenizer.encode_batch(list(texts[start : start + size]))
            given = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
            arrays = {name: np.array([getattr(one, own) for one in read], np.int64) for name, own in given.items()}
            for row in softmax(graph(arrays)["logits"]):
                found.append({"label": labels[int(row.argmax())], "score": float(row.max())})
        return found

    return {"onnxruntime": lambda: ask(BATCH), "onnxruntime 1": lambda: ask(1)}


def _table(said: dict[str, Any], taken: dict[str, list[float]], count: int) -> str:
    first = said["pipeline"]
    best = min(PEERS[1:], key=lambda name: statistics.median(taken[name]))
    lines = [
        f"{cpu_name()}, {count} texts, {len(taken['pipeline'])} pairs",
        "",
        f"| way | texts/s | against the pipeline | against {best} | other labels | a score moved by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, own in taken.items():
        ratios = [_ratio(taken[peer], own) for peer in ("pipeline", best)]
        other = sum(one["label"] != two["label"] for one, two in zip(first, said[name], strict=True)) / count
        same = [(a, b) for a, b in zip(first, said[name], strict=True) if a["label"] == b["label"]]
        moved = max(abs(one["score"] - two["score"]) for one, two in same)
        cells = (name, f"{count / statistics.median(own):.0f}", *ratios, f"{other:.2%}", f"{moved:.1e}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> str:
    """The median of the pairs' ratios, and their range."""
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
