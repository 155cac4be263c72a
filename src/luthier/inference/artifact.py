"""The result: a plain Hugging Face model folder with codec.json in it, or an exported one, and what answers from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from luthier import catalog
from luthier.codec import Codec, Noting
from luthier.errors import ConfigError, ModelError, did_you_mean, shown
from luthier.extras import require
from luthier.files import whole_folder
from luthier.inference.predict import predict
from luthier.language import t
from luthier.models.run import GGUF, GRAPH, model_folder, needed
from luthier.types import Example

if TYPE_CHECKING:  # they take seconds to import, and an exported model does without them
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FP32, BF16 = "fp32", "bf16"
ADAPTER = "adapter"
"""In a model folder: what a tuning method adds that is no part of the weights."""


def save_artifact(
    folder: Path, model: PreTrainedModel, codec: Codec, tokenizer: PreTrainedTokenizerBase, card: str,
    save_adapter: Callable[[Path], None] | None = None,
) -> None:  # fmt: skip
    """folder: must not exist; it appears whole. transformers loads it without Luthier. card: its README.md.
    save_adapter: writes what has to lie beside the weights; None where they are all."""
    with whole_folder(folder) as temporary:
        codec.task.save_model(model, temporary)
        if save_adapter is not None:
            save_adapter(temporary / ADAPTER)
        tokenizer.save_pretrained(str(temporary))
        codec.save(temporary)
        (temporary / "README.md").write_text(card, encoding="utf-8")
        _adapt_tokenizer(temporary / "tokenizer_config.json", codec.text.max_length)


class Ask(Protocol):
    """How a model is asked: `predict`, or what stands in for it where the model is no torch model."""

    def __call__(
        self, model: Any, codec: Codec, inputs: Sequence[Any], *, device: str, max_tokens: int,
        done: Callable[[int], None],
    ) -> list[Any]: ...  # fmt: skip


@dataclass(frozen=True)
class Predictor:
    """A tuned model, ready to answer. max_tokens: of one forward pass, with padding. ask: how the model is asked, which
    is called as transformers' are unless it says otherwise."""

    model: Any
    codec: Codec
    name: str
    device: str = "cpu"
    max_tokens: int = 4096
    ask: Ask = predict

    def predict(self, inputs: Sequence[Any], top_k: int | None = None) -> list[Any]:
        """One answer an input, in order; the shapes are those of Hugging Face pipelines.

        inputs: what the task asks, such as texts. top_k: the k best answers each, as lists.
        Errors: DataError for an input of another kind.
        """
        task = self.codec.task
        asked = [task.as_input(value) for value in inputs]
        return [task.show(prediction, top_k) for prediction in self.raw(asked)]

    def answers(
        self, examples: Sequence[Example[Any, Any]], done: Callable[[int], None] = lambda count: None
    ) -> Sequence[Any]:
        """The task's own predictions, one an example, to be scored against its answer."""
        task = self.codec.task
        return task.scored(examples, self.raw(task.questions(examples), done))

    def raw(self, inputs: Sequence[Any], done: Callable[[int], None] = lambda count: None) -> list[Any]:
        """The task's own prediction objects, with all their scores."""
        return self.ask(self.model, self.codec, inputs, device=self.device, max_tokens=self.max_tokens, done=done)

    def noted(self, inputs: Sequence[Any]) -> list[tuple[Any, int]]:
        """As `raw`, each with the number of its input's tokens that the model did not read."""
        codec = Noting.of(self.codec)
        return list(zip(replace(self, codec=codec).raw(inputs), codec.cut, strict=True))

    @property
    def is_graph(self) -> bool:
        return self.ask is not predict

    @property
    def cores(self) -> int:
        """How many threads may ask it at once, each on a core of its own; 1 for what uses all cores by itself."""
        if self.is_graph:
            return 1
        from luthier.models.quick.side_by_side import cores_of

        return cores_of(self.model, self.codec.task, self.device)

    @property
    def makes_vectors(self) -> bool:
        """Whether its body makes vectors of inputs: not where it writes, has virtual tokens before its input, or is a
        graph."""
        task = self.codec.task
        return not (self.is_graph or task.speaks_untuned or hasattr(self.model, "peft_config")) and task.fits_untuned

    @property
    def weights(self) -> Any:
        """The torch model. Errors: ModelError for a graph, whose inside is not to be seen."""
        if not self.is_graph:
            return self.model
        what, fix = t("is exported as a graph, which gives its answers alone"), t("give the run that it comes from")
        raise ModelError.at(self.name, what, fix, code="no-weights")


def load_artifact(run: Path, device: str | None = None, precision: str = FP32) -> Predictor:
    """run: a run's folder, a model folder, or one that `luthier export` wrote. device: a torch device; the GPU where
    there is one, if None. precision: bf16 answers faster and not quite the same, on a CPU that multiplies in it.

    Errors: ModelError where it is none of them; ConfigError for a model that knows no such precision; LuthierError
    where a library is missing that runs it.
    """
    folder = model_folder(run)
    _check_precision(precision, possible=True)
    require(*needed(folder))
    codec = Codec.load(folder, catalog.task)
    if (folder / GRAPH).is_file():
        from luthier.inference.graph import open_graph, predict_by_graph

        _check_precision(precision, possible=False)
        return Predictor(open_graph(folder), codec, run.resolve().name, ask=predict_by_graph)
    if (folder / GGUF).is_file():
        from luthier.inference.written import check_written

        check_written(folder, GGUF)
    import torch

    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    loaded = codec.task.load_model(folder, seed=0, device=where)
    if loaded.fresh:
        what = t("the weights {names} are missing", names=", ".join(loaded.fresh[:3]))
        raise ModelError.at(str(folder), what, t("copy the folder again"), code="bad-model")
    model: Any = loaded.model
    if (folder / ADAPTER).is_dir():
        from luthier.tuning.prompts import with_prompt

        model = with_prompt(model, folder / ADAPTER)
    model.eval()
    _quicken(model, where, precision)
    return Predictor(model, codec, run.resolve().name, where)


def _quicken(model: Any, device: str, precision: str) -> None:
    """Errors: ConfigError where bf16 is asked for and the model or the processor cannot."""
    import torch

    from luthier.models.quick.install import quicken
    from luthier.runtime import has_bf16

    if device != "cpu":
        return _check_precision(precision, possible=False)
    if precision == FP32:
        quicken(model)
        return None
    return _check_precision(precision, possible=has_bf16("cpu") and quicken(model, torch.bfloat16) > 0)


def _check_precision(precision: str, *, possible: bool) -> None:
    if precision not in (FP32, BF16):
        what, fix = t("is {value}", value=shown(precision)), did_you_mean(precision, [FP32, BF16])
        raise ConfigError.at("--precision", what, fix, code="unknown-choice")
    if precision != FP32 and not possible:
        what = t("bf16 is for encoders of BERT's make, on a processor that multiplies in it")
        raise ConfigError.at("--precision", what, t("leave it out"), code="conflict")


def _adapt_tokenizer(path: Path, max_length: int) -> None:
    """Plain transformers cuts where the Codec cuts; and the folder tells nobody where its parent lay."""
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        for key in ("name_or_path", "is_local", "local_files_only", "max_length"):
            content.pop(key, None)
        content["model_max_length"] = max_length
        path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
