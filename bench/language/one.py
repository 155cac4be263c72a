"""Luthier's run, in a process of its own: python -m bench.language.one MODEL ROWS BATCH LENGTH STEPS WARM [SETTING …]

ROWS: JSON lines of messages. STEPS: trained of the first epoch. WARM: so many of them, in which a GPU's kernels are
made, are not counted there. Prints a line of JSON: seconds and cpu_seconds of the steps, tokens (real ones), learnt,
padded, memory (the peak in bytes, on a GPU that of torch's allocations), loss (of the last step), before (seconds of
training before these steps).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    folder, rows, batch, length, steps, warm, *own = sys.argv[1:]
    settings = [
        "task=sft", f"model={folder}", f"data.train={rows}", f"train.batch_size={batch}", f"train.max_length={length}",
        "train.epochs=1", "train.learning_rate=1e-4", "data.split.test=0", "data.bad_rows=skip", *own,
    ]  # fmt: skip
    print(json.dumps(trained(settings, int(steps), int(warm))))


def trained(words: list[str], steps: int, warm: int) -> dict[str, Any]:
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
        marks, told = [(time.perf_counter(), time.process_time())], list[Mapping[str, Any]]()

        def mark(entry: Mapping[str, Any]) -> None:
            if "loss" in entry:
                marks.append((time.perf_counter(), time.process_time()))
                told.append(entry)

        done = fit(
            tune(ready), ready.codec, windows, [], how, folder=Path(out), facts={}, runtime=runtime,
            screen=SILENT, tell=mark, tried=lambda share, value: "",  # nothing is saved
        ).progress  # fmt: skip
    warm = warm if runtime.device != "cpu" else 0
    first, last, tokens = marks[warm], marks[-1], sum(entry["tokens"] for entry in told[warm:])
    share = tokens / done.tokens
    return {
        "seconds": last[0] - first[0] if warm else done.seconds, "cpu_seconds": last[1] - first[1],
        "tokens": tokens, "padded": done.padded * share,
        "learnt": sum(int((w.targets >= 0).sum()) for w in windows) * share, "loss": told[-1]["loss"],
        "memory": peak_memory(runtime.device), "before": first[0] - marks[0][0],
    }  # fmt: skip


if __name__ == "__main__":
    main()
