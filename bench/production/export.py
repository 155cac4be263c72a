"""python -m bench.production.export RUN… [--formats onnx onnx-int8 merged]

Exports finished runs in each form that they can have, into a folder that is thrown away, and prints what the gate of
each found: the share of validation rows with the same answer, the main score, the time for one text and the size.
Forms that a run cannot have are told, not measured.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from luthier import catalog
from luthier.codec import Codec
from luthier.errors import LuthierError
from luthier.exporting.export import export
from luthier.exporting.result import Exported
from luthier.files import size_text
from luthier.models.run import model_folder
from luthier.runtime import cpu_name

HEADER = "| run | task | format | passed | rows | same answer | logits apart | main score | ms, one text | weights |"


def main() -> None:
    words = _parser().parse_args()
    print(f"{cpu_name()}\n\n{HEADER}\n|{' --- |' * (HEADER.count('|') - 1)}")
    for run in words.runs:
        task = Codec.load(model_folder(run), catalog.task).task.name
        for form in words.formats or catalog.exporter_names():
            print(f"| {run.name} | {task} | {form} | {_measured(run, form, words.max_loss)} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.production.export", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--formats", nargs="*", help="all where none are named")
    parser.add_argument("--max-loss", type=float, default=0.01)
    return parser


def _measured(run: Path, form: str, max_loss: float) -> str:
    with tempfile.TemporaryDirectory() as place:
        try:
            return _row(export(run, form, Path(place) / "out", max_loss=max_loss))
        except LuthierError as error:
            return f"– {error.problems[0].what}" + " |" * 6


def _row(found: Exported) -> str:
    gate = found.gate
    cells: Sequence[str] = (
        "yes" if gate.passed else "no",
        f"{found.rows} {found.part}",
        f"{gate.equal:.1%}",
        "" if gate.furthest is None else f"{gate.furthest:.1e}",
        f"{gate.metric} {gate.before:.4f} → {gate.after:.4f}" if gate.lost else "",
        " → ".join(f"{1000 * seconds:.1f}" for seconds in found.seconds),
        " → ".join(map(size_text, found.size)),
    )
    return " | ".join(cells)


if __name__ == "__main__":
    main()
