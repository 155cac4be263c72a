"""Windows share a row where task, model and tuning method allow it; where they do not, a run says why."""

from pathlib import Path
from typing import Any

import pytest

from luthier.defaults import choose_packing
from luthier.errors import ConfigError
from luthier.runtime import Runtime
from tiny import Bench, TinyModels, bench
from workflow.helpers import refused
from writing.models import language_model


def choose(asked: Any, ready: Bench, model: Any = None, tuned: Any = None) -> Any:
    model = ready.model if model is None else model
    return choose_packing(asked, ready.codec.task, model, tuned or model, Runtime(precision="bf16"))


def test_a_language_model_is_trained_in_rows_unless_told_otherwise(models: TinyModels) -> None:
    ready = bench("sft", models.causal)
    assert choose("auto", ready).value is True
    assert choose(True, ready).value is True
    assert choose(False, ready).value is False


def test_what_cannot_be_is_left_with_its_reason_and_refused_where_it_is_asked_for(models: TinyModels) -> None:
    from peft import PromptTuningConfig, get_peft_model

    sft, seq2seq, classes = (
        bench(name, models.suited(name)) for name in ("sft", "seq2seq", "classification")
    )  # fmt: skip
    prompted = get_peft_model(language_model("llama"), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2))
    cases: list[tuple[Bench, Any, Any, str]] = [
        (classes, None, None, "asks about a text as a whole"),
        (seq2seq, None, None, "does not take position_ids"),
        (sft, language_model("gemma2"), None, "its attention is eager"),
        (sft, None, prompted, "puts something before every text"),
    ]
    for ready, model, tuned, why in cases:
        choice = choose("auto", ready, model, tuned)
        assert choice.value is False and why in choice.reason
        with pytest.raises(ConfigError, match=why) as error:
            choose(True, ready, model, tuned)
        assert "train.packing=auto" in str(error.value)


def test_the_command_refuses_before_anything_is_written(models: TinyModels, tmp_path: Path) -> None:
    assert "asks about a text as a whole" in refused(models.encoder, tmp_path, "train.packing=true")
