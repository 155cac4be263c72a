"""Several tasks on one encoder: intent and slots of the same rows, or any tasks with data of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from luthier.balancing.sampling import Sampling
from luthier.claims import Claim
from luthier.deciding import Placed
from luthier.errors import ConfigError, Place
from luthier.evaluation.baselines import cheap_ways
from luthier.formats.several.joint import Joint
from luthier.formats.several.parts import Pairs, PartRows
from luthier.graphed import Graphed
from luthier.language import t
from luthier.parts.reading import outputs_of, read_parts
from luthier.parts.rows import answers_of, examples_of, frozen_of, numbers_of, place_each, read_each
from luthier.parts.scores import combined, sampling_rates, share_right
from luthier.parts.settings import JOINT, check_weights, data_of, has_own_data, make_parts, task_section
from luthier.parts.told import claims_of
from luthier.parts.windows import OWNERS, bare, owned, shared, with_targets
from luthier.saved import learned
from luthier.seen import Frozen
from luthier.task import AnyTask, Task
from luthier.text.tokenizer import TextRule
from luthier.types import Choice, Example, LabelledBatch, LabelledWindow, Mistake, Row, Window

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from luthier.models.load import Loaded
    from luthier.models.own.several import Heads

Said = Mapping[str, Any]
"""By the name of a part its own prediction."""


@dataclass(frozen=True)
class Multitask(Graphed, Task[Pairs, Pairs, Said]):
    """tasks: by name the task of each part, with its options and, where it has data of its own, train, validation, test
    and columns; left out, intent and slots of the same rows. sampling: proportional shows every window once an epoch,
    temperature shows small parts more often: shares as size^(1/temperature). weights: of the parts' losses, 1 where
    none is given, or uncertainty, which learns them (Kendall et al. 2018). alone: trains each part by itself as well,
    with the same settings, to tell what it gains or loses by the others.

    The loss of a window is the weighted sum over its parts of their mean over its targets; that of a step is the mean
    over the windows.
    """

    auto_class: ClassVar[str] = "AutoModel"
    plainly: ClassVar[str] = "is then the encoder alone; the heads that answer lie beside it and are read by Luthier"

    tasks: dict[str, dict[str, Any]] | None = None
    sampling: Literal["proportional", "temperature"] = "proportional"
    temperature: float = 2.0
    weights: dict[str, float] | Literal["uncertainty"] | None = None
    alone: bool = False
    parts: Mapping[str, AnyTask] = learned(None)

    def __post_init__(self) -> None:
        if self.parts is None:
            object.__setattr__(self, "parts", make_parts(self.tasks))
        if not self.temperature >= 1:
            what = t("is {value}", value=self.temperature)
            raise ConfigError.at("task.temperature", what, t("use a number from 1"), code="out-of-range")
        check_weights(self._fixed, self.parts)

    @classmethod
    def own_data(cls, options: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        sections = options.get("tasks") or {}
        if not has_own_data(sections):
            return {}
        return {name: {"task": task_section(part), "data": data_of(part)} for name, part in sections.items()}

    def trained_alone(self) -> Mapping[str, AnyTask]:
        return self.parts if self.alone else {}

    # ---- from the user's rows

    @cached_property
    def format(self) -> PartRows:  # pyright: ignore[reportIncompatibleVariableOverride]
        if has_own_data(self.tasks):
            return PartRows({name: part.format for name, part in self.parts.items()})
        return Joint()

    def as_input(self, value: Any) -> Pairs:
        """What every part is asked: a string, the words of one, a mapping with the format's columns, or pairs as
        `format` makes them. Errors: DataError for anything else."""
        if isinstance(value, str):
            return read_each(self.parts, value)
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        if isinstance(value, tuple) and value and all(isinstance(v, tuple) and v[0] in self.parts for v in value):
            return value
        if isinstance(value, (list, tuple)) and any(column.name == "tokens" for column in self.format.columns):
            return self.format.parse_input(Row({"tokens": list(value)}, Place("input")))
        return read_each(self.parts, value)

    def learn(self, examples: Sequence[Example[Pairs, Pairs]]) -> Self:
        return replace(self, parts={name: part.learn(examples_of(name, examples)) for name, part in self.parts.items()})

    def settle(self, answers: Sequence[Pairs]) -> tuple[Self, list[Choice]]:
        settled = {name: part.settle(answers_of(name, answers)) for name, part in self.parts.items()}
        choices = [
            replace(choice, key=f"tasks.{name}.{choice.key}") for name, (_, own) in settled.items() for choice in own
        ]
        if not choices:
            return self, []
        parts = {name: part for name, (part, _) in settled.items()}
        sections = {
            name: {**section, **{key: value for key, value in parts[name].options().items() if value is not None}}
            for name, section in (self.tasks or JOINT).items()
        }
        return replace(self, tasks=sections, parts=parts), choices

    # ---- to the model and back

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        from luthier.models.own.several import load_several

        return load_several(folder, self._heads(), seed=seed, device=device)

    def save_model(self, model: PreTrainedModel, folder: Path) -> None:
        from luthier.models.own.several import SeveralHeads, save_several

        assert isinstance(model, SeveralHeads)
        save_several(model, folder)

    def encode(self, inputs: Sequence[Pairs], text: TextRule) -> list[list[Window]]:
        """A text that several parts read alike is one window for all of them."""
        windows: list[list[list[Window]]] = [[[] for _ in self.parts] for _ in inputs]
        for p, (name, part) in enumerate(self.parts.items()):
            mine = [(i, dict(pairs)[name]) for i, pairs in enumerate(inputs) if name in dict(pairs)]
            for (i, _), own in zip(mine, part.encode([value for _, value in mine], text) if mine else (), strict=True):
                windows[i][p] = own
        return [shared(own) for own in windows]

    def attach(self, window: Window, answer: Pairs, text: TextRule) -> LabelledWindow:
        answers, own = dict(answer), bare(window)
        targets = {
            p: part.attach(own, answers[name], text).targets
            for p, (name, part) in enumerate(self.parts.items())
            if name in answers and window.arrays[OWNERS][p]
        }
        return with_targets(window, targets, len(self.parts))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        from luthier.parts.learning import summed_loss

        return summed_loss(self.parts, model, batch, self._fixed)

    def outputs(self, model: Any, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return outputs_of(self.parts, model, tensors)

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[Said]:
        """Of each window what every part makes of it, whosever it is."""
        return read_parts(self.parts, outputs, lengths)

    def decode(self, input: Pairs, windows: Sequence[Window], inferred: Sequence[Said]) -> Said:
        value, said = dict(input), {}
        for p, (name, part) in enumerate(self.parts.items()):
            if name in value:
                mine = owned(windows, p)
                own = [bare(windows[i]) for i in mine]
                said[name] = part.decode(value[name], own, [inferred[i][name] for i in mine])
        return said

    def relocated(self, prediction: Said, read: Pairs, written: Pairs) -> Said:
        before, after = dict(read), dict(written)
        return {name: self.parts[name].relocated(own, before[name], after[name]) for name, own in prediction.items()}

    def claims(self, input: Pairs, prediction: Said, text: TextRule) -> Sequence[Claim]:
        encode = lambda changed: self.encode([changed], text)[0]  # noqa: E731
        return claims_of(self.parts, input, prediction, text, encode, self.outputs)

    # ---- to the user

    def show(self, prediction: Said, top_k: int | None = None) -> dict[str, Any]:
        """None for a part that was not asked."""
        return {
            name: part.show(prediction[name], top_k) if name in prediction else None
            for name, part in self.parts.items()
        }

    def show_answer(self, answer: Pairs) -> dict[str, Any]:
        return {name: self.parts[name].show_answer(own) for name, own in answer}

    def score(
        self, predictions: Sequence[Said], answers: Sequence[Pairs], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        """sentence_accuracy where rows have several answers, mean_of_parts, and each part's own under its name."""
        found: dict[str, Mapping[str, np.ndarray]] = {}
        for name, part in self.parts.items():
            rows = numbers_of(name, answers)
            if rows:
                said = [predictions[i][name] for i in rows]
                found[name] = part.score(said, answers_of(name, answers), weights_RN[:, rows])
        several = [i for i, answer in enumerate(answers) if len(answer) > 1]
        whole = None
        if several and all(type(part).mistake is not Task.mistake for part in self.parts.values()):
            right = [self.mistake(predictions[i], answers[i]) is None for i in several]
            whole = share_right(right, weights_RN[:, several])
        weights = {name: self._fixed.get(name, 1.0) for name in found}
        return combined(found, weights, whole, joint=len(several) == len(answers))

    def details(self, predictions: Sequence[Said], answers: Sequence[Pairs]) -> dict[str, Any]:
        """parts: each part's own tables; and the classes of all parts in one."""
        own: dict[str, dict[str, Any]] = {}
        for name, part in self.parts.items():
            rows = numbers_of(name, answers)
            if rows:
                own[name] = part.details([predictions[i][name] for i in rows], answers_of(name, answers))
        rows = [
            {**row, "label": f"{name}: {row['label']}"} for name, d in own.items() for row in d.get("per_class", ())
        ]
        return {"parts": own, **({"per_class": rows} if rows else {})}

    def mistake(self, prediction: Said, answer: Pairs) -> Mistake | None:
        """The wrong parts of a row. weight: of the worst."""
        found = {name: self.parts[name].mistake(prediction[name], own) for name, own in answer}
        wrong = {name: one for name, one in found.items() if one is not None}
        if not wrong:
            return None
        right, said = (
            "; ".join(f"{name}: {getattr(one, side)}" for name, one in wrong.items()) for side in ("answer", "said")
        )
        return Mistake(right, said, max(one.weight for one in wrong.values()))

    # ---- after training

    def check_parts(self, *, validated: bool) -> None:
        for part in self.parts.values():
            part.check_parts(validated=validated)

    def needs_placing(self) -> bool:
        return any(part.needs_placing() for part in self.parts.values())

    def placed(self, predictions: Sequence[Said], answers: Sequence[Pairs]) -> Placed:
        parts, note, apart = place_each(self.parts, predictions, answers)
        return Placed(replace(self, parts=parts), note=note, apart=apart)

    # ---- before training

    def baselines(self, frozen: Frozen[Pairs, Pairs], seed: int) -> Mapping[str, Callable[[], Sequence[Said]]]:
        """Each part's own, answering together under the names that all of them have."""
        ways: dict[str, Mapping[str, Callable[[], Sequence[Any]]]] = {}
        rows: dict[str, list[int]] = {}
        for name, part in self.parts.items():
            own = frozen_of(name, frozen)
            if own.judged.examples:
                ways[name], rows[name] = cheap_ways(part, own, seed), numbers_of(name, frozen.judged.answers)

        def together(way: str) -> Sequence[Said]:
            said: list[dict[str, Any]] = [{} for _ in frozen.judged.examples]
            for name in ways:
                for i, prediction in zip(rows[name], ways[name][way](), strict=True):
                    said[i][name] = prediction
            return said

        first, *others = ways.values()
        return {way: partial(together, way) for way in first if all(way in other for other in others)}

    def heads_alone(
        self, model: PreTrainedModel, frozen: Frozen[Pairs, Pairs] | None
    ) -> Iterator[tuple[PreTrainedModel, AnyTask, Frozen[Any, Any] | None]]:
        from luthier.models.own.several import SeveralHeads, clear_dense
        from luthier.parts.learning import seen_by_head

        assert isinstance(model, SeveralHeads)
        for name, part in self.parts.items():
            head: Any = model.heads[name]
            clear_dense(head)
            yield head, part, None if frozen is None else seen_by_head(head, frozen_of(name, frozen))

    def windows_shown(self, windows: Sequence[LabelledWindow]) -> Sampling | None:
        if self.sampling == "proportional":
            return None
        parts_N = np.array([int((window.window.arrays[OWNERS] > 0).argmax()) for window in windows])
        counts = np.bincount(parts_N, minlength=len(self.parts)).tolist()
        return Sampling(parts_N, sampling_rates(counts, self.temperature))

    def usual_epochs(self, answers: Sequence[Pairs]) -> tuple[int, str]:
        """As many as the part that needs most."""
        own = {name: part.usual_epochs(answers_of(name, answers)) for name, part in self.parts.items()}
        most = max(own, key=lambda name: own[name][0])
        return own[most][0], f"{most}: {own[most][1]}"

    # ---- saved

    def state(self) -> dict[str, Any]:
        return {**self.options(), "parts": {name: part.state() for name, part in self.parts.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        made = make_parts(state["tasks"])
        parts = {name: type(made[name]).from_state(own) for name, own in state["parts"].items()}
        return cls(**{**state, "parts": parts})

    def _heads(self) -> Heads:
        from luthier.models.own.several import Heads, HeadSpec

        specs = {name: HeadSpec(part.auto_class, part.head_options()) for name, part in self.parts.items()}
        return Heads(specs, self.weights == "uncertainty")

    @property
    def _fixed(self) -> Mapping[str, float]:
        return self.weights if isinstance(self.weights, dict) else {}
