"""A causal model folder that nobody tuned here, or that was exported, as something to talk to."""

from __future__ import annotations

from pathlib import Path

import torch

from luthier import catalog
from luthier.codec import Codec
from luthier.errors import ModelError
from luthier.inference.artifact import Predictor, load_artifact
from luthier.language import t
from luthier.models.find import find_model
from luthier.models.load import load_tokenizer
from luthier.models.run import CODEC
from luthier.text.tokenizer import TextRule

_TASK = "sft"
"""As which a model with a chat template answers."""


def load_speaker(path: Path, device: str | None = None) -> Predictor:
    """path: a run's folder, a model folder of Luthier's, or any folder of a causal model with a chat template.

    Errors: ModelError, also for a model that has none: nobody knows how it is to be spoken to.
    """
    has_codec = (path / CODEC).is_file() or (path / "model" / CODEC).is_file() or (path / "config.yaml").is_file()
    if has_codec or not (path / "config.json").is_file():
        return load_artifact(path, device)
    folder, tokenizer = find_model(str(path)), load_tokenizer(path)
    if tokenizer.wrapped.chat_template is None:
        fix = t("tune it first: luthier train DATA --model {folder}", folder=path)
        raise ModelError.at(
            str(path), t("has no chat template: nobody knows how it is spoken to"), fix, code="template"
        )
    task, tokenizer, _ = catalog.task(_TASK)().with_tokenizer(tokenizer)
    task, _ = task.fitted(path)
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = task.load_model(path, seed=0, device=where)
    if loaded.fresh:
        what = t("the weights {names} are missing", names=", ".join(loaded.fresh[:3]))
        raise ModelError.at(str(path), what, t("use a model that writes texts"), code="bad-model")
    loaded.model.eval()
    rule = TextRule(tokenizer.backend, folder.most_tokens, tokenizer.pad_id, folder.has_segments)
    return Predictor(loaded.model, Codec(task, rule), path.resolve().name, where)
