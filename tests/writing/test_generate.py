from typing import Any

import numpy as np
import pytest
import torch
from transformers.generation.configuration_utils import GenerationConfig

from luthier.errors import ConfigError
from luthier.writing.choices import score_choices
from luthier.writing.generate import Generation, decoder_start, write
from luthier.writing.next_token import one_of
from marks import some_fast
from writing.models import CONFIGS, WIDTH, language_model

WRITERS = some_fast((name for name in CONFIGS if name != "bert"), ("llama", "t5"))
STOP, PAD = 2, 0


def prompts(count: int, seed: int = 0) -> list[np.ndarray]:
    """Of lengths from 1."""
    draw = np.random.default_rng(seed)
    return [draw.integers(3, WIDTH, size=1 + 3 * i % 11) for i in range(count)]


def said(model: Any, asked: Any, how: Generation, **more: Any) -> list[tuple[list[int], bool]]:
    return write(model, asked, how, **{"stop_ids": [STOP], "pad_id": PAD, **more})


def by_hand(model: Any, prompt: np.ndarray, count: int) -> tuple[list[int], bool]:
    """The likeliest tokens one after another, each from the whole text, without anything kept."""
    found: list[int] = []
    start = decoder_start(model)
    for _ in range(count):
        if model.config.is_encoder_decoder:
            inputs = {"input_ids": torch.tensor(prompt)[None], "decoder_input_ids": torch.tensor([[*start, *found]])}
        else:
            inputs = {"input_ids": torch.tensor([[*prompt, *found]])}
        with torch.no_grad():
            token = int(model(**inputs).logits[0, -1].argmax())
        if token == STOP:
            return found, True
        found.append(token)
    return found, False


@pytest.mark.parametrize("name", WRITERS)
def test_a_batch_says_what_each_row_says_by_hand(name: str) -> None:
    model = language_model(name)
    asked = [*prompts(4), np.arange(3, 33)]  # the last is longer than Mistral's window
    answers = said(model, asked, Generation(max_new_tokens=8))
    assert answers == [by_hand(model, prompt, 8) for prompt in asked]


class TestRows:
    """Llama, whose rows are cut into batches and leave them."""

    model: Any = language_model("llama")

    @pytest.mark.parametrize("temperature", [0.0, 1.0])
    def test_what_a_row_says_does_not_depend_on_the_others(self, temperature: float) -> None:
        how = Generation(max_new_tokens=12, temperature=temperature)
        asked = prompts(9)
        whole = said(self.model, asked, how)
        assert whole == said(self.model, asked, how, max_tokens=1)  # each by itself
        assert whole[:5] == said(self.model, asked[:5], how)

    @pytest.mark.parametrize("name", some_fast(["llama", "gemma2", "lfm2", "mamba", "t5", "bart"], ("llama", "t5")))
    def test_ended_rows_leave_the_batch_and_the_others_go_on(self, name: str) -> None:
        model, asked, limits = language_model(name), prompts(8), [1, 1, 1, 2, 2, 3, 9, 12]
        sizes = []
        watch = model.get_output_embeddings().register_forward_hook(lambda _, __, out: sizes.append(len(out)))
        answers = said(model, asked, Generation(max_new_tokens=99), stop_ids=[], limits=limits)
        watch.remove()
        assert [len(ids) for ids, _ in answers] == limits
        assert (sizes[0], sizes[-1]) == (8, 1)
        assert sum(sizes) < 60  # a full batch would have taken 96
        for (ids, _), prompt, limit in zip(answers, asked, limits, strict=True):
            assert ids == said(model, [prompt], Generation(max_new_tokens=limit), stop_ids=[])[0][0]

    def test_draws_follow_the_models_probabilities(self) -> None:
        prompt = prompts(1)[0]
        count = 600
        found = said(self.model, [prompt] * count, Generation(1, temperature=2.0, top_k=5), stop_ids=[])
        with torch.no_grad():
            best = (self.model(torch.tensor(prompt)[None]).logits[0, -1] / 2).topk(5)
        for token, p in zip(best.indices.tolist(), best.values.softmax(0).tolist(), strict=True):
            drawn = sum(ids == [token] for ids, _ in found) / count
            assert abs(drawn - p) < 4 * (p * (1 - p) / count) ** 0.5
        other = said(self.model, [prompt] * count, Generation(1, temperature=2.0, top_k=5, seed=1), stop_ids=[])
        assert other != found

    def test_top_p_keeps_to_the_likeliest_tokens(self) -> None:
        prompt = prompts(1)[0]
        with torch.no_grad():
            likeliest = int(self.model(torch.tensor(prompt)[None]).logits[0, -1].argmax())
        how = Generation(1, temperature=1.0, top_p=1e-6)
        assert said(self.model, [prompt] * 20, how, stop_ids=[]) == [([likeliest], False)] * 20

    def test_a_prompt_that_fills_the_context_is_answered_by_what_fits(self) -> None:
        asked = [np.full(60, 5), np.full(70, 5), np.full(64, 5), np.array([7])]
        answers = said(self.model, asked, Generation(max_new_tokens=200), stop_ids=[])
        assert [len(ids) for ids, _ in answers] == [4, 0, 0, 63]
        assert not any(stopped for _, stopped in answers)

    def test_absolute_positions_are_never_left(self) -> None:
        model = language_model("gpt2")
        asked = [np.full(60, 5), np.array([7, 8])]
        answers = said(model, asked, Generation(max_new_tokens=200), stop_ids=[])
        assert [len(ids) for ids, _ in answers] == [4, 62]
        assert answers[1] == said(model, asked[1:], Generation(max_new_tokens=200), stop_ids=[])[0]

    def test_a_stop_text_ends_a_row_with_the_token_that_completes_it(self) -> None:
        free = said(self.model, prompts(3), Generation(max_new_tokens=12), stop_ids=[])
        words = [f"<{token}>" for token in free[1][0]]
        decode = lambda ids: "".join(f"<{i}>" for i in ids)  # noqa: E731
        stop = words[3][2:] + words[4][:-1]  # from within one token to within the next
        how = Generation(max_new_tokens=12, stop=("never", stop))
        answers = said(self.model, prompts(3), how, stop_ids=[], decode=decode)
        for (ids, stopped), (all_ids, _) in zip(answers, free, strict=True):
            ends = [n for n in range(1, 13) if stop in decode(all_ids[:n])]
            assert (ids, stopped) == (all_ids[: ends[0]], True) if ends else (all_ids, False)
        assert answers[1][1]

    def test_a_listener_hears_each_token_and_ends_a_row_at_once(self) -> None:
        free = said(self.model, prompts(3), Generation(max_new_tokens=6), stop_ids=[])
        heard: dict[int, list[int]] = {0: [], 1: [], 2: []}

        def listen(row: int, token: int) -> bool:
            heard[row].append(token)
            return row == 1 and len(heard[row]) == 2

        answers = said(self.model, prompts(3), Generation(max_new_tokens=6), stop_ids=[], on_token=listen)
        assert [ids for ids, _ in answers] == [heard[0], heard[1], heard[2]]
        assert [len(ids) for ids, _ in answers] == [6, 2, 6]
        assert answers[1] == (free[1][0][:2], False)

    def test_the_folders_habits_of_generation_are_not_followed(self) -> None:
        model = language_model("llama")
        plain = said(model, prompts(4), Generation(max_new_tokens=6))
        habits = GenerationConfig(
            do_sample=True, temperature=9.0, top_k=0, repetition_penalty=3.0, bad_words_ids=[[i] for i in range(30)],
            min_new_tokens=6, eos_token_id=list(range(40)), max_length=1, suppress_tokens=[5, 6, 7],
        )  # fmt: skip
        model.generation_config = habits
        assert said(model, prompts(4), Generation(max_new_tokens=6)) == plain
        assert model.generation_config is habits

    def test_the_model_is_left_in_its_mode(self) -> None:
        model = language_model("llama").train()
        model.model.layers[0].eval()
        said(model, prompts(1), Generation(max_new_tokens=2))
        assert model.training and model.model.layers[1].training and not model.model.layers[0].training

    def test_a_penalty_and_forbidden_repeats_change_what_is_said(self) -> None:
        prompt = [np.array([5])]
        ((free, _),) = said(self.model, prompt, Generation(max_new_tokens=30), stop_ids=[])
        ((once, _),) = said(self.model, prompt, Generation(max_new_tokens=30, no_repeat_ngram_size=1), stop_ids=[])
        ((less, _),) = said(self.model, prompt, Generation(max_new_tokens=30, repetition_penalty=5.0), stop_ids=[])
        assert len(set(free)) < len(set(less)) and len(set(once)) == 30


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_beams_are_those_of_transformers(name: str) -> None:
    model = language_model(name)
    asked = prompts(3)
    answers = said(model, asked, Generation(max_new_tokens=7, num_beams=3))
    for prompt, (ids, stopped) in zip(asked, answers, strict=True):
        begin = 0 if model.config.is_encoder_decoder else len(prompt)
        model.generation_config = GenerationConfig(decoder_start_token_id=STOP)  # BART's folders force a last token
        out = model.generate(
            torch.tensor(prompt)[None], num_beams=3, max_new_tokens=7, eos_token_id=STOP, pad_token_id=PAD
        )
        theirs = out[0, max(begin, len(decoder_start(model))) :].tolist()
        assert ids + [STOP] * stopped == theirs


@pytest.mark.parametrize("beams", [1, 2])
@pytest.mark.parametrize("name", ["llama", "t5"])
def test_an_answer_is_one_of_the_choices(name: str, beams: int) -> None:
    model = language_model(name)
    choices = [[5, 6, 7], [5, 6], [9], [11, 12, 13, 14]]
    answers = said(
        model, prompts(6), Generation(max_new_tokens=9, num_beams=beams), allowed=one_of(choices, [STOP])
    )  # fmt: skip
    assert all(ids in choices and stopped for ids, stopped in answers)
    other = said(
        model,
        prompts(6),
        Generation(max_new_tokens=9, num_beams=beams),
        allowed=lambda row, ids: [20 + row] * (len(ids) < 2),
    )
    assert other == [([20 + row] * 2, True) for row in range(6)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": -1.0}, "temperature: is '-1.0'"),
        ({"temperature": float("nan")}, "temperature: is 'nan'"),
        ({"top_p": 0.0}, "top_p: is '0.0'"),
        ({"max_new_tokens": 0}, "max_new_tokens: is '0'"),
        ({"stop": ("",)}, "leave empty texts out"),
        ({"num_beams": 2, "temperature": 1.0}, "use num_beams=1 or temperature=0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Generation(**options)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("llama", "LoraConfig"), ("t5", "LoraConfig"), ("llama", "PromptTuningConfig"), ("llama", "PrefixTuningConfig")],
)
def test_wrapped_by_peft_a_batch_says_what_each_row_says_by_hand(name: str, kind: str) -> None:
    import peft

    options = {"target_modules": ["q_proj" if name == "llama" else "q"]} if kind == "LoraConfig" else {}
    options = options or {"num_virtual_tokens": 3}
    task = "CAUSAL_LM" if name == "llama" else "SEQ_2_SEQ_LM"
    model = peft.get_peft_model(language_model(name), getattr(peft, kind)(task_type=task, **options)).eval()
    for key, p in model.named_parameters():
        if p.requires_grad and "lora_A" not in key:
            torch.nn.init.normal_(p, std=0.5)
    asked, limits = prompts(5), [1, 2, 2, 7, 8]
    answers = said(model, asked, Generation(max_new_tokens=8), limits=limits)
    assert answers == [by_hand(model, prompt, limit) for prompt, limit in zip(asked, limits, strict=True)]
    choices = [[5, 6, 7], [5, 2]]
    if kind.startswith("Pr"):
        with pytest.raises(ConfigError, match="use num_beams=1"):
            said(model, asked, Generation(num_beams=2))
        less = Generation(max_new_tokens=6, no_repeat_ngram_size=1, temperature=1.0)
        assert all(len(set(ids)) == len(ids) for ids, _ in said(model, asked, less))
    (scores,) = score_choices(model, asked[1:2], [choices], pad_id=PAD)
    for choice, score in zip(choices, scores, strict=True):
        ids = [*decoder_start(model), *choice] if name == "t5" else [*asked[1], *choice]
        given = {"input_ids": torch.tensor(asked[1])[None], "decoder_input_ids": torch.tensor([ids])}
        with torch.no_grad():
            out = model(**given) if name == "t5" else model(input_ids=torch.tensor([ids]))
        log_p = out.logits[0, -len(choice) - 1 : -1].log_softmax(-1)
        assert score == pytest.approx(log_p[range(len(choice)), choice].sum().item(), abs=1e-4)
