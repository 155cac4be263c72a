"""What recording an answer costs beside making it, in processor time, which other work on the machine does not change.

    python -m bench.production.record runs/sst2-1 own.csv

Texts are asked one by one, as a server that is not busy is; then what is kept of them is worked out and written to a
SQLite file in transactions of 512.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

from luthier.config.schema import DataSettings
from luthier.errors import Problem
from luthier.inference.artifact import load_artifact
from luthier.preparing.again import read_inputs
from luthier.recording.knowing import known_of
from luthier.recording.store import Store, as_row

_BATCH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("texts")
    parser.add_argument("--rows", type=int, default=512)
    asked = parser.parse_args()
    predictor = load_artifact(asked.run)
    found = read_inputs(asked.texts, predictor.codec, DataSettings())
    inputs = [one for one in islice(found, asked.rows) if not isinstance(one, Problem)]
    begin = time.process_time()
    said = [predictor.raw([one])[0] for one in inputs]
    answered = time.process_time()
    known = known_of(predictor, asked.run, b"k")
    begun = time.process_time()
    traits = [known.traits([one], [own], vectors=False)[0] for one, own in zip(inputs, said, strict=True)]
    kept = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/log.db", writes=True)
        opened = time.process_time()
        rows = [as_row("r", i, 0.0, known.model, "m", own, None) for i, own in enumerate(traits)]
        for start in range(0, len(rows), _BATCH):
            store.add_answers(rows[start : start + _BATCH])
        written = time.process_time()
        size = (Path(folder) / "log.db").stat().st_size
    spent = {"the answer": answered - begin, "what is kept": kept - begun, "writing it": written - opened}
    told = ", ".join(f"{name} {1000 * seconds / len(inputs):.2f}" for name, seconds in spent.items())
    print(f"{len(inputs)} inputs; ms of processor time an input: {told}; {size / len(inputs):.0f} bytes a row")


if __name__ == "__main__":
    main()
