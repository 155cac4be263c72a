"""Luthier's run, in a process of its own: python -m bench.language.one MODEL ROWS BATCH LENGTH STEPS [SETTING …]

ROWS: JSON lines of messages. STEPS: trained of the first epoch. Prints a line of JSON: seconds and cpu_seconds of the
training loop, tokens (real ones), learnt, padded, memory (the peak in bytes, on a GPU that of torch's allocations),
loss (of the last step).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    folder, rows, batch, length, steps, *own = sys.argv[1:]
    settings = [
        "task=sft", f"model={folder}", f"data.train={rows}", f"train.batch_size={batch}", f"train.max_length={length}",
        "train.epochs=1", "train.learning_rate=1e-4", "data.split.test=0", "data.bad_rows=skip", *own,
    ]  # fmt: skip
    print(json.dumps(trained(settings, int(steps))))


def trained(words: list[str], steps: int) -> dict[str, Any]:
    """What `luthier train` does between reading the rows and the last step, without the evaluation."""
    from luthier.config.settings import load_settings
    from luthier.fit import fit
    from luthier.models.known import choose_model
    from luthier.preparing.prepare import prepare
    from luthier.progress import SILENT
    from luthier.ready import make_ready, tune
    from luthier.runtime import open_runtime
    from luthier.teachable import teachable
    from luthier.training.order import epoch_steps
    from luthier.training.throughput import peak_memory

    settings = load_settings(None, words)
    prepared = prepare(settings)
    folder, choices = choose_model(settings.model, prepared.language)
    with open_runtime(settings.train.precision) as runtime, tempfile.TemporaryDirectory() as out:
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, SILENT, skip=False)
        windows = ready.codec.encode_labelled([*prepared.split.train, *prepared.split.validation])
        how = ready.training
        shown = epoch_steps([len(window) for window in windows], how.batch_size, how.seed, epoch=0)[:steps]
        windows = [windows[i] for step in shown for i in step]
        begin = time.process_time()
        done = fit(
            tune(ready), ready.codec, windows, [], how, folder=Path(out), facts={}, runtime=runtime,
            screen=SILENT,
        ).progress  # fmt: skip
        cpu = time.process_time() - begin
        journal = [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]
    return {
        "seconds": done.seconds, "cpu_seconds": cpu, "tokens": done.tokens, "padded": done.padded,
        "learnt": sum(int((w.targets >= 0).sum()) for w in windows), "loss": journal[-1]["loss"],
        "memory": peak_memory(runtime.device),
    }  # fmt: skip


if __name__ == "__main__":
    main()
