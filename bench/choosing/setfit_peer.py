"""One run of SetFit, by an interpreter that has it: python setfit_peer.py MODEL TRAIN TEST SEED STEPS

TRAIN, TEST: CSV files with the columns text and label. STEPS: of contrastive tuning; 0 for SetFit's own default, an
epoch over all pairs. Prints a line of JSON: the predictions, and the processor's and the clock's seconds of training,
the fitting of its head included.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    from datasets import Dataset  # pyright: ignore[reportMissingImports]
    from setfit import SetFitModel, Trainer, TrainingArguments  # pyright: ignore[reportMissingImports]

    model_folder, train, test, seed, steps = sys.argv[1:]
    rows, judged = _read(Path(train)), _read(Path(test))
    labels = sorted({label for _, label in rows})
    model: Any = SetFitModel.from_pretrained(model_folder, labels=labels, device="cpu")
    data = Dataset.from_dict({"text": [t for t, _ in rows], "label": [labels.index(name) for _, name in rows]})
    how = TrainingArguments(
        output_dir=str(Path(train).parent / "setfit"), seed=int(seed), save_strategy="no", report_to="none",
        show_progress_bar=False, max_steps=int(steps) or -1,
    )  # fmt: skip
    trainer = Trainer(model=model, args=how, train_dataset=data)
    begin, wall = time.process_time(), time.perf_counter()
    trainer.train()
    processor, seconds = time.process_time() - begin, time.perf_counter() - wall
    said = [str(label) for label in model.predict([t for t, _ in judged])]
    print(json.dumps({"predictions": said, "processor_seconds": processor, "seconds": seconds}))


def _read(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


if __name__ == "__main__":
    main()
