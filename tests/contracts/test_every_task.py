"""What every task promises. A new file in tasks/ and its sample rows are tested here without a line more."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from luthier import catalog
from luthier.codec import Codec
from luthier.data.split import Split
from luthier.evaluation.baselines import cheap_ways
from luthier.evaluation.evaluate import evaluate
from luthier.inference.artifact import load_artifact, save_artifact
from luthier.inference.predict import predict
from luthier.models.load import load_tokenizer
from luthier.probing import look
from luthier.progress import SILENT
from luthier.runtime import Runtime
from luthier.training.gradient.objective import backward
from luthier.training.gradient.passes import Pass
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import full
from luthier.whole_text import WholeText
from marks import some_fast
from tiny import SAMPLES, Bench, TinyModels, bench

pytestmark = pytest.mark.parametrize("name", some_fast(catalog.task_names(), ("classification", "ner", "sft")))


@pytest.fixture
def ready(name: str, models: TinyModels) -> Bench:
    return bench(name, models.suited(name))


def teach(ready: Bench, steps: int) -> list[float]:
    loop = train_steps(
        ready.model, ready.codec.task.objective(), [ready.batches(99)] * steps,
        build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0), lambda _: 3e-3, Runtime(), seed=0,
    )  # fmt: skip
    return [step.loss for step in loop]


def say(ready: Bench, max_tokens: int = 10_000) -> list:
    """The task's predictions, as they are scored."""
    asked = ready.codec.task.questions(ready.examples)
    said = predict(ready.model, ready.codec, asked, device="cpu", max_tokens=max_tokens)
    return list(ready.codec.task.scored(ready.examples, said))


def save(ready: Bench, models: TinyModels, folder: Path) -> Path:
    source = models.suited(ready.codec.task.name)
    save_artifact(folder, ready.model, ready.codec, load_tokenizer(source).wrapped, "a card")
    return folder


def test_it_has_samples(name: str) -> None:
    assert (SAMPLES / f"{name}.jsonl").exists()


def test_it_is_named_after_its_file(ready: Bench, name: str) -> None:
    assert ready.codec.task.name == name


def test_the_codec_encodes_the_same_after_a_trip_to_disk(ready: Bench, models: TinyModels, tmp_path: Path) -> None:
    again = Codec.load(save(ready, models, tmp_path / "model"), catalog.task)
    assert again.task == ready.codec.task
    assert again.columns == ready.codec.columns
    for a, b in zip(ready.windows, again.encode_labelled(ready.examples), strict=True):
        assert a.targets.tolist() == b.targets.tolist()
        assert {k: v.tolist() for k, v in a.window.arrays.items()} == {
            k: v.tolist() for k, v in b.window.arrays.items()
        }


def test_targets_are_counted(ready: Bench) -> None:
    (whole,) = ready.batches(99)
    assert whole.num_targets == sum(batch.num_targets for batch in ready.batches(1)) > 0


def test_the_loss_is_a_sum_that_padding_does_not_change(ready: Bench) -> None:
    ready.model.eval()
    together, alone = (
        backward(ready.codec.task.objective(), ready.batches(size), Pass(ready.model, Runtime(), lambda _: None, 1.0))
        for size in (99, 1)
    )
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


def test_a_prediction_does_not_depend_on_its_neighbours(ready: Bench) -> None:
    teach(ready, 10)
    shown = [[ready.codec.task.show(p) for p in say(ready, budget)] for budget in (10_000, 1)]
    assert shown[0] == about(shown[1])


@pytest.mark.slow
def test_it_learns_its_samples(ready: Bench) -> None:
    answers = [example.answer for example in ready.examples]
    before = evaluate(ready.codec.task, say(ready), answers, seed=0).main.value
    losses = teach(ready, 200)
    report = evaluate(ready.codec.task, say(ready), answers, seed=0)
    assert losses[-1] < losses[0] / 3
    assert report.main.value == pytest.approx(1.0) if report.main.higher_is_better else report.main.value < before / 3
    assert report.main.low is not None and report.main.low <= report.main.value


def test_the_saved_model_answers_as_the_trained_one(ready: Bench, models: TinyModels, tmp_path: Path) -> None:
    teach(ready, 20)
    trained = [ready.codec.task.show(prediction) for prediction in say(ready)]
    predictor = load_artifact(save(ready, models, tmp_path / "model"))
    again = [ready.codec.task.show(prediction) for prediction in predictor.answers(ready.examples)]
    assert again == about(trained)


def test_the_saved_model_is_a_plain_transformers_folder(ready: Bench, models: TinyModels, tmp_path: Path) -> None:
    folder = save(ready, models, tmp_path / "model")
    plain = getattr(transformers, ready.codec.task.auto_class).from_pretrained(folder)
    assert type(plain) in (type(ready.model), type(ready.model.base_model))
    assert not [path for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pkl", ".pickle")]
    assert str(models.suited(ready.codec.task.name)) not in "".join(p.read_text("utf-8") for p in folder.glob("*.json"))


def test_transformers_reads_texts_as_the_codec_does(ready: Bench, models: TinyModels, tmp_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(save(ready, models, tmp_path / "model"))
    assert tokenizer.model_max_length == ready.codec.text.max_length
    for example in ready.examples:
        if not isinstance(ready.codec.task, WholeText):
            pytest.skip("reads more than one text an input")
        (window,) = ready.codec.encode([example.input])[0]
        assert (
            tokenizer(ready.codec.task.format.plain_text(example.input))["input_ids"]
            == window.arrays["input_ids"].tolist()
        )


def test_a_baseline_can_be_made_of_it(ready: Bench) -> None:
    task, answers = ready.codec.task, [example.answer for example in ready.examples]
    if not isinstance(task, WholeText):
        pytest.skip("has baselines of its own")
    features = np.random.default_rng(0).normal(size=(len(answers), 64))
    said = task.read_linear(task.linear(features, answers, 10.0, 0), features)
    constant = [task.constant(answers)] * len(answers)
    scores = [evaluate(task, p, answers, seed=0, intervals=False).main.goodness for p in (said, constant)]
    assert scores[0] > scores[1]


def test_its_baselines_answer_every_row(ready: Bench) -> None:
    """All but the first, which does not look at the input, learn from the rows that they are judged on."""
    split = Split(ready.examples, [], ready.examples)
    frozen = look(ready.model, ready.codec, split, Runtime(), 999, 0, SILENT)
    assert frozen is not None
    ways = cheap_ways(ready.codec.task, frozen, seed=0)
    answers = [example.answer for example in ready.examples]
    reports = {
        name: evaluate(ready.codec.task, said(), answers, seed=0, intervals=False) for name, said in ways.items()
    }
    first, metric = next(iter(reports)), reports[next(reversed(reports))].main.name
    known = {n: s.goodness for n, report in reports.items() for s in report.scores if s.name == metric}
    assert len(known) > 1 and max(known.values()) > known.get(first, -np.inf)


def test_what_it_shows_is_json(ready: Bench) -> None:
    import json

    for prediction in say(ready):
        assert json.loads(json.dumps(ready.codec.task.show(prediction))) == ready.codec.task.show(prediction)


def test_its_options_left_open_are_settled_once(ready: Bench) -> None:
    answers = [example.answer for example in ready.examples]
    settled, choices = ready.codec.task.settle(answers)
    assert settled.settle(answers) == (settled, [])
    assert {choice.key.partition(".")[0] for choice in choices} <= set(settled.options())


def about(value: object) -> object:
    """Scores to four places: sums in another order differ in the last bits."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, dict):
        return {key: about(item) for key, item in value.items()}
    return [about(item) for item in value] if isinstance(value, list) else value
