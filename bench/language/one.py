"""Luthier's run, in a process of its own: python -m bench.language.one MODEL ROWS BATCH LENGTH [SETTING …]

ROWS: JSON lines of messages. Prints a line of JSON: seconds and cpu_seconds of the
training loop, tokens (real ones), learnt, padded, memory (peak of the process, bytes), loss (of the last step).
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    folder, rows, batch, length, *own = sys.argv[1:]
    settings = [
        "task=sft", f"model={folder}", f"data.train={rows}", f"train.batch_size={batch}", f"train.max_length={length}",
        "train.epochs=1", "train.learning_rate=1e-4", "data.split.test=0", *own,
    ]  # fmt: skip
    print(json.dumps(trained(settings)))


def trained(words: list[str]) -> dict[str, Any]:
    """What `luthier train` does between reading the rows and the last step, without the evaluation."""
    from luthier.config.settings import load_settings
    from luthier.fit import fit
    from luthier.models.known import choose_model
    from luthier.preparing.prepare import prepare
    from luthier.progress import SILENT
    from luthier.ready import make_ready, tune
    from luthier.runtime import open_runtime
    from luthier.teachable import teachable

    settings = load_settings(None, words)
    prepared = prepare(settings)
    folder, choices = choose_model(settings.model, prepared.language)
    with open_runtime(settings.train.precision) as runtime, tempfile.TemporaryDirectory() as out:
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, SILENT, skip=False)
        windows = ready.codec.encode_labelled([*prepared.split.train, *prepared.split.validation])
        begin = time.process_time()
        done = fit(
            tune(ready), ready.codec, windows, [], ready.training, folder=Path(out), facts={}, runtime=runtime,
            screen=SILENT,
        ).progress  # fmt: skip
        cpu = time.process_time() - begin
        steps = [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]
    return {
        "seconds": done.seconds, "cpu_seconds": cpu, "tokens": done.tokens, "padded": done.padded,
        "learnt": sum(int((w.targets >= 0).sum()) for w in windows), "loss": steps[-1]["loss"],
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }  # fmt: skip


if __name__ == "__main__":
    main()
