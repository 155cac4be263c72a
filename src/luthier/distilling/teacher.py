"""The teacher of a run: found, held against the student's task, and asked once about all that is learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from luthier.batching import cut
from luthier.config.schema import DistilSettings
from luthier.errors import ConfigError
from luthier.files import Damaged, disk_trouble, open_sealed, remove_folder, whole_folder
from luthier.inference.artifact import Predictor, load_artifact
from luthier.language import t
from luthier.models.pooling import masked_mean
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.types import Example
from luthier.whole_text import AnyWholeText, as_whole_text

_FOLDER, _LOGITS, _STATES = "teacher", "logits.npy", "states.npy"


def find_teacher(distil: DistilSettings, task: AnyTask, device: str) -> Predictor | None:
    """None where there is none. Errors: ModelError where it is no run; ConfigError for a task whose models cannot be
    imitated, and for a teacher of another task or of other classes."""
    if distil.teacher is None:
        return None
    whole = as_whole_text(task, "distil", t("leave out distil"))
    teacher = load_artifact(Path(distil.teacher), device)
    theirs = teacher.codec.task
    if theirs.name != task.name:
        what = t("was trained for {theirs}, and this is {ours}", theirs=theirs.name, ours=task.name)
        raise ConfigError.at("distil.teacher", what, t("name a teacher of the same task"), code="conflict")
    whole.check_teacher(theirs)
    return teacher


def asked_once(
    folder: Path, teacher: Predictor, task: AnyWholeText, examples: Sequence[Example[Any, Any]], states: Sequence[int],
    runtime: Runtime, screen: Progress,
) -> tuple[np.ndarray, np.ndarray | None]:  # fmt: skip
    """What the teacher says of each example, float32 [N, C] in the student's units, and float16 [N, L, D] the mean over
    the tokens of its hidden states with these numbers; read from the run's folder, page by page as they are needed,
    where they are there. Every process reads what the first has written."""
    path = folder / _FOLDER
    key = _key(teacher, examples, states)
    if runtime.is_first and not _is_there(path, key):
        if path.exists():
            remove_folder(path)
        with disk_trouble(folder), whole_folder(path, {"key": key}) as temporary:
            _ask(temporary, teacher, examples, states, runtime, screen)
    runtime.wait()
    logits_NC = task.taught_logits(teacher.codec.task, np.load(path / _LOGITS, mmap_mode="r"))
    return logits_NC, np.load(path / _STATES, mmap_mode="r") if states else None


def _is_there(path: Path, key: str) -> bool:
    try:
        return path.is_dir() and open_sealed(path).get("key") == key
    except Damaged:
        return False


def _key(teacher: Predictor, examples: Sequence[Example[Any, Any]], states: Sequence[int]) -> str:
    """Of the teacher's weights, of what it is asked, in order, and of what is kept of its answers."""
    made = hashlib.sha256(repr((list(states), teacher.codec.text.max_length, teacher.codec.clean)).encode())
    for name, value in teacher.weights.state_dict().items():
        made.update(name.encode())
        made.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    for example in examples:
        made.update(repr(example.input).encode("utf-8", "surrogatepass") + b"\0")
    return made.hexdigest()


def _ask(
    folder: Path, teacher: Predictor, examples: Sequence[Example[Any, Any]], states: Sequence[int], runtime: Runtime,
    screen: Progress,
) -> None:  # fmt: skip
    """In the runtime's precision. An input that is several windows (a pair in both orders) is the mean of them."""
    groups = teacher.codec.encode([example.input for example in examples])
    windows = [(row, window) for row, group in enumerate(groups) for window in group]
    made: dict[str, np.ndarray] = {}
    lengths = [len(window) for _, window in windows]
    with screen.track(t("asking the teacher"), len(windows)) as tracker, torch.inference_mode(), runtime.autocast():
        for numbers in cut(range(len(windows)), lengths, teacher.max_tokens):
            batch = teacher.codec.collate([windows[i][1] for i in numbers]).to(runtime.device)
            said = teacher.weights(**batch.tensors, **({"output_hidden_states": True} if states else {}))
            told = {_LOGITS: said.logits.float()}
            if states:
                mask_BT = batch.tensors["attention_mask"]
                told[_STATES] = torch.stack([masked_mean(said.hidden_states[i].float(), mask_BT) for i in states], 1)
            rows = [windows[i][0] for i in numbers]
            for name, values in told.items():
                if name not in made:
                    kind = np.float32 if name == _LOGITS else np.float16
                    shape = (len(examples), *values.shape[1:])
                    made[name] = np.lib.format.open_memmap(folder / name, mode="w+", dtype=kind, shape=shape)
                share_B = np.array([1 / len(groups[row]) for row in rows], np.float32)
                weighed = (values.cpu().numpy().T * share_B).T  # along the first axis
                np.add.at(made[name], rows, weighed.astype(made[name].dtype))
            tracker.advance(len(numbers))
    for array in made.values():
        array.flush()  # type: ignore
