"""The one object that knows how text becomes tensors and tensors become answers.

Saved beside the weights. Training, evaluation, export and serving hold the same Codec, so that what is
served is what was measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import ConfigError, ModelError
from luthier.language import t
from luthier.models.run import CODEC as FILE
from luthier.task import AnyTask
from luthier.text.clean import cleaner
from luthier.text.tokenizer import TextRule, read_tokenizer
from luthier.types import IDS, IGNORE, Batch, Example, LabelledBatch, LabelledWindow, Window

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_CLEANING_FORMAT = 2
"""Of a Codec that cleans: a version of Luthier that would pass over the cleaning must not read it."""
_CHUNK = 1000
"""Inputs tokenised at a time: enough for the tokenizer's threads, little enough to show progress."""


@dataclass(frozen=True)
class Codec:
    """columns: the task's names of its columns to those of the user's file, so that a later file is read alike.

    clean: steps by which every text is cleaned before it is encoded, in training and in serving.
    """

    task: AnyTask
    text: TextRule
    columns: Mapping[str, str] = field(default_factory=dict)
    clean: tuple[str, ...] = ()

    def encode(self, inputs: Sequence[Any]) -> list[list[Window]]:
        """One window or more for each input; used alike by training, evaluation and serving.

        Inputs that are clean already, as those of a training run are, are not changed by being cleaned again.
        """
        return self.task.encode([self.cleaned(input) for input in inputs], self.text)

    def asked(self, inputs: Sequence[Any]) -> list[list[Window]]:
        """As `encode`, of what is asked to be answered: as many windows as the answer takes."""
        return self.task.asked([self.cleaned(input) for input in inputs], self.text)

    def encode_labelled(
        self, examples: Sequence[Example[Any, Any]], done: Callable[[int], None] = lambda count: None,
        groups: Sequence[int] = (),
    ) -> list[LabelledWindow]:  # fmt: skip
        """`encode`, then the targets: the answer joins only after the input has become windows.

        done: is told how many examples were encoded since it was last told. groups: of each example a number; texts
        are joined with others of their own group alone.
        """
        labelled: list[LabelledWindow] = []
        for start in range(0, len(examples), _CHUNK):
            chunk = examples[start : start + _CHUNK]
            encoded = zip(chunk, self.encode([self.task.lesson(e) for e in chunk]), strict=True)
            for number, (example, windows) in enumerate(encoded, start):
                attached = (self.task.attach(window, example.answer, self.text) for window in windows)
                labelled += [replace(window, example=number) for window in attached]
            done(len(chunk))
        if not groups or not self.task.joins:
            return self.task.joined(labelled, self.text)
        made: list[LabelledWindow] = []
        for group in sorted(set(groups)):
            own = [window for window in labelled if groups[window.example] == group]
            made += [replace(block, example=own[0].example) for block in self.task.joined(own, self.text)]
        return made

    def arrays(self, windows: Sequence[Window]) -> dict[str, np.ndarray]:
        """What a model is given of windows, [B, T, …] each, padded on the right. x_input_ids gets x_attention_mask."""
        found: dict[str, np.ndarray] = {}
        for name, first in windows[0].arrays.items():
            rows = [window.arrays[name] for window in windows]
            is_ids = name.endswith(IDS)
            dtype = np.int64 if np.issubdtype(first.dtype, np.integer) else first.dtype
            found[name] = _rectangle(rows, self.text.pad_id if is_ids else 0, dtype)
            if is_ids:
                found[name.removesuffix(IDS) + "attention_mask"] = _mask(list(map(len, rows)))
        return found

    def collate(self, windows: Sequence[Window]) -> Batch:
        """`arrays` as tensors."""
        import torch

        tensors = {name: torch.from_numpy(array) for name, array in self.arrays(windows).items()}
        inside = [window.spans[:, 0] < window.spans[:, 1] for window in windows if window.spans is not None]
        places = torch.from_numpy(_rectangle(inside, False, np.bool_)) if inside else None
        return Batch(tensors, tuple(map(len, windows)), places)

    def collate_labelled(self, windows: Sequence[LabelledWindow], numbers: Sequence[int] = ()) -> LabelledBatch:
        """Pads for training. numbers: which windows of the training data these are."""
        import torch

        rows = [w.targets for w in windows]
        targets_BS = _rectangle(rows, IGNORE, rows[0].dtype)
        num_targets = int((targets_BS != IGNORE).sum())
        inputs = self.collate([w.window for w in windows])
        return LabelledBatch(inputs, torch.from_numpy(targets_BS), num_targets, tuple(numbers))

    def collate_row(self, windows: Sequence[LabelledWindow], numbers: Sequence[int] = ()) -> LabelledBatch:
        """Lays windows, whose arrays and targets all stand at tokens, one after another into a row [1, T], for training
        without padding. Where each begins the position ids say: there they start again."""
        plain = [w.window for w in windows]
        lengths = tuple(map(len, plain))
        tensors = {name: _row([window.arrays[name] for window in plain]) for name in plain[0].arrays}
        tensors["position_ids"] = _row([np.arange(length) for length in lengths])
        inside = [window.spans[:, 0] < window.spans[:, 1] for window in plain if window.spans is not None]
        inputs = Batch(tensors, lengths, _row(inside) if inside else None)
        targets_1S = _row([w.targets for w in windows])
        return LabelledBatch(inputs, targets_1S, int((targets_1S != IGNORE).sum()), tuple(numbers))

    def decode(self, input: Any, windows: Sequence[Window], inferred: Sequence[Any]) -> Any:
        """The prediction about the input as it was written, whatever was cleaned before the model read it."""
        read = self.cleaned(input)
        said = self.task.decode(read, windows, self.task.spelled(inferred, self.text))
        return said if read == input else self.task.relocated(said, read, input)

    def cleaned(self, input: Any) -> Any:
        """As the model reads it."""
        return self.task.mapped(input, self._change) if self.clean else input

    @cached_property
    def _change(self) -> Callable[[str], str]:
        return cleaner(self.clean)

    def save(self, folder: Path) -> None:
        """Writes codec.json into an existing folder that has the tokenizer's own files."""
        content = {
            "format": _CLEANING_FORMAT if self.clean else FORMAT,
            "task": self.task.name,
            "state": self.task.state(),
            "columns": dict(self.columns),
            **({"clean": list(self.clean)} if self.clean else {}),
            "max_length": self.text.max_length,
            "pad_id": self.text.pad_id,
            "has_segments": self.text.has_segments,
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / FILE).write_text(text, encoding="utf-8", errors="surrogatepass")

    @staticmethod
    def load(folder: Path, find_task: Callable[[str], type[AnyTask]]) -> Codec:
        """find_task: the catalog's, handed in because the catalog is on a higher floor.

        Errors: ModelError where the folder has no codec.json, or one of another format.
        """
        content = _read(folder)
        try:
            task = find_task(content["task"]).from_state(content["state"]).in_folder(folder)
            rule = TextRule(read_tokenizer(folder), content["max_length"], content["pad_id"], content["has_segments"])
            clean = cleaner(tuple(content.get("clean", ()))).names
            return Codec(task, rule, content["columns"], clean)
        except (KeyError, TypeError, ConfigError) as error:
            what = t("{file} is not as it was written ({error})", file=FILE, error=error)
            raise ModelError.at(str(folder / FILE), what, t("copy the folder again"), code="bad-codec") from None


@dataclass(frozen=True)
class Noting(Codec):
    """A Codec that notes, of each input that it is asked about, how many tokens are cut off."""

    cut: list[int] = field(default_factory=list)

    @staticmethod
    def of(codec: Codec) -> Noting:
        return Noting(codec.task, codec.text, codec.columns, codec.clean)

    def asked(self, inputs: Sequence[Any]) -> list[list[Window]]:
        found = super().asked(inputs)
        self.cut.extend(max((window.cut for window in windows), default=0) for windows in found)
        return found


def _read(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    if not path.is_file():
        fix = t("give a run of Luthier, or its model/ folder")
        raise ModelError.at(str(folder), t("{file} is missing", file=FILE), fix, code="no-codec")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        what = t("{file} is not as it was written ({error})", file=FILE, error=type(error).__name__)
        raise ModelError.at(str(path), what, t("copy the folder again"), code="bad-codec") from None
    if version not in (FORMAT, _CLEANING_FORMAT):
        what = t("has format {format}, this version reads {known}", format=version, known=_CLEANING_FORMAT)
        raise ModelError.at(str(path), what, t("use the version of Luthier that wrote it"), code="bad-codec")
    return content


def _rectangle(rows: Sequence[np.ndarray], fill: Any, dtype: Any) -> np.ndarray:
    """Rows [T, …] of different lengths to [B, T, …], T being the longest."""
    filled = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), fill, dtype)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return filled


def _row(parts: Sequence[np.ndarray]) -> Tensor:
    """Parts [T, …] one after another, [1, T, …]; whole numbers as int64."""
    import torch

    row = np.concatenate(parts)[None]
    return torch.from_numpy(row.astype(np.int64) if np.issubdtype(row.dtype, np.integer) else row)


def _mask(lengths: Sequence[int]) -> np.ndarray:
    """1 at real tokens, 0 at padding; int64 [B, T]."""
    return (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
