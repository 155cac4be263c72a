"""python -m bench.language.seq2seq TRAIN TEST --model FOLDER [--prefix TEXT] [--epochs N] [--rate R] [setting=value …]

Text to text on files with the columns input and output: Luthier's defaults against Hugging Face's recipe
(run_summarization.py: batches of 8, 5e-5 falling to 0, no validation, fp32), both from the same model, sources cut
alike, answers written greedily, the same test rows scored by the same rules. Below them what costs nothing: the
beginning of the input, the model as it is, the answer to the most similar training input. --rate sets the Trainer's
learning rate, for models that 5e-5 does not suit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.understanding.runs import luthier_run, settings_of, trainer_run, words_for

_BATCH, _RATE, _MOST_SAID, _AT_ONCE = 8, 5e-5, 128, 16
_NAMES = ("rouge_l", "rouge_1", "rouge_2", "chrf", "bleu", "exact_match")


def main() -> None:
    parser = words_for("seq2seq", __doc__)
    parser.prog = "python -m bench.language.seq2seq"
    parser.add_argument("--model", required=True, help="of both: a folder")
    parser.add_argument("--prefix", default="", help="what stands before every input, for both")
    parser.add_argument("--validation", type=Path)
    parser.add_argument("--epochs", type=int, help="of both; without it as many as Luthier chooses")
    parser.add_argument("--rate", type=float, default=_RATE, help="the Trainer's learning rate")
    parser.add_argument("--rows", type=int, default=500, help="test rows that are answered by writing")
    words = parser.parse_intermixed_args()
    own = [f"model={words.model}", "task=seq2seq", f"task.samples={words.rows}"]
    own += [f"task.prefix='{words.prefix}'"] if words.prefix else []
    with tempfile.TemporaryDirectory() as folder:
        out = words.out or Path(folder) / "run"
        report = luthier_run(settings_of(words, *own), words.seed, out)
        print(compared(words, report, out))


def compared(words: Any, report: dict[str, Any], run: Path) -> str:
    """The table."""
    import luthier
    from luthier.config.schema import DataSettings
    from luthier.evaluation.evaluate import report_of, resampled
    from luthier.evaluation.intervals import paired_difference
    from luthier.preparing.again import read_examples
    from luthier.progress import SILENT

    predictor = luthier.load(run)
    codec, how = predictor.codec, DataSettings()
    test = read_examples(str(words.test), codec, how, SILENT)
    systems = {"Luthier, defaults": (predictor.answers(test), report["train_seconds"])}
    epochs = words.epochs or next(c["value"] for c in report["choices"] if c["key"] == "train.epochs")
    if not words.no_trainer:
        learnt = read_examples(str(words.train), codec, how, SILENT)
        systems[f"Trainer, {epochs} epochs"] = trainer(words, codec, learnt, test, int(epochs))
    answers = [example.answer for example in test]
    found = {name: resampled(codec.task, said, answers, seed=0) for name, (said, _) in systems.items()}
    lines = ["| | " + " | ".join(_NAMES) + " | rouge_l below Luthier | seconds |", "|" + " --- |" * (len(_NAMES) + 3)]
    for name, (said, seconds) in systems.items():
        by_name = {score.name: score for score in report_of(found[name], said).scores}
        cells = [f"{by_name[n].value:.3f} [{by_name[n].low:.3f}, {by_name[n].high:.3f}]" for n in _NAMES]
        apart = paired_difference(found["Luthier, defaults"], found[name], "rouge_l", higher_is_better=True)
        cells.append("–" if name.startswith("Luthier") else f"{apart.value:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]")
        lines.append(f"| {name} | " + " | ".join([*cells, f"{seconds:.0f}"]) + " |")
    for name, scores in report["baselines"].items():
        told = {score["name"]: score["value"] for score in scores}
        lines.append(f"| {name} | " + " | ".join(f"{told[n]:.3f}" for n in _NAMES) + " | – | – |")
    return "\n".join(lines)


def trainer(
    words: Any, codec: Any, learnt: Sequence[Any], test: Sequence[Any], epochs: int
) -> tuple[Sequence[Any], float]:
    """Its texts as they are scored, and its seconds of training."""
    import torch
    from transformers import AutoTokenizer
    from transformers.data.data_collator import DataCollatorForSeq2Seq
    from transformers.models.auto.modeling_auto import AutoModelForSeq2SeqLM

    torch.manual_seed(words.seed)
    tokenizer: Any = AutoTokenizer.from_pretrained(words.model)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(words.model)
    longest = codec.text.max_length

    def rows() -> list[dict[str, Any]]:
        sources = tokenizer([words.prefix + e.input for e in learnt], max_length=longest, truncation=True)
        labels = tokenizer(text_target=[e.answer for e in learnt], max_length=_MOST_SAID, truncation=True)
        return [
            {"input_ids": ids, "labels": said}
            for ids, said in zip(sources["input_ids"], labels["input_ids"], strict=True)
        ]

    collator = DataCollatorForSeq2Seq(tokenizer, model=model)
    _, seconds = trainer_run(model, rows, collator, _BATCH, epochs, words.seed, learning_rate=words.rate)
    return written(words, codec, model.eval(), tokenizer, test), seconds


def written(words: Any, codec: Any, model: Any, tokenizer: Any, test: Sequence[Any]) -> Sequence[Any]:
    import torch

    from luthier.writer import Judged, Written

    said: list[Any] = []
    asked = [each for each in codec.task.questions(test) if not isinstance(each, Judged)]
    for begin in range(0, len(asked), _AT_ONCE):
        texts = [words.prefix + text for text in asked[begin : begin + _AT_ONCE]]
        batch = tokenizer(texts, max_length=codec.text.max_length, truncation=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**batch, max_new_tokens=codec.task.max_new_tokens, num_beams=1, do_sample=False)
        said += [Written(text.strip()) for text in tokenizer.batch_decode(ids, skip_special_tokens=True)]
        print(f"{len(said)}/{len(asked)}", file=sys.stderr, end="\r")
    return codec.task.scored(test, [Written()] * len(test) + said)


if __name__ == "__main__":
    main()
