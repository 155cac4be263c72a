"""A changed window is a function of (seed, step, number), and only training sees it."""

import json
from pathlib import Path

import numpy as np
import pytest

from luthier import catalog, whole_text
from luthier.augmenting.method import Setting
from luthier.errors import ConfigError
from luthier.models.find import find_model
from luthier.progress import SILENT
from luthier.runtime import Runtime
from luthier.training.augmented import Augmented
from tiny import TinyModels, bench, ticket_rows, write_csv
from workflow.helpers import QUICK, digest, luthier, report

pytestmark = pytest.mark.slow


@pytest.fixture
def augmented(models: TinyModels) -> Augmented:
    ready = bench("classification", models.encoder)
    setting = Setting([], [], find_model(str(models.encoder)), "cpu")
    method = catalog.augmentation("dropout")(setting, share=0.3)
    assert method is not None
    return Augmented(ready.codec, ready.examples, method.prepare([], Runtime(), SILENT), seed=4)


def ids(augmented: Augmented, step: int, numbers: list[int]) -> list[list[int]]:
    return [window.window.arrays["input_ids"].tolist() for window in augmented.windows(step, numbers)]


def test_it_does_not_depend_on_the_other_windows_of_the_batch(augmented: Augmented) -> None:
    together = ids(augmented, 7, [0, 1, 2, 3, 4])
    assert together == [ids(augmented, 7, [n])[0] for n in range(5)]
    assert ids(augmented, 7, [4, 2]) == [together[4], together[2]]


def test_another_step_repeat_or_seed_changes_otherwise(augmented: Augmented) -> None:
    count = len(augmented.examples)
    now = ids(augmented, 1, list(range(count)))
    assert ids(augmented, 2, list(range(count))) != now
    assert ids(augmented, 1, list(range(count, 2 * count))) != now  # repeats, as over-sampling makes them
    other = Augmented(augmented.codec, augmented.examples, augmented.change, seed=5)
    assert ids(other, 1, list(range(count))) != now


def test_special_tokens_and_targets_stay(augmented: Augmented) -> None:
    plain = augmented.codec.encode_labelled(augmented.examples)
    for before, after in zip(plain, augmented.windows(3, range(len(plain))), strict=True):
        old, new = before.window.arrays["input_ids"], after.window.arrays["input_ids"]
        assert (new[0], new[-1]) == (old[0], old[-1]) and len(new) <= len(old)
        np.testing.assert_array_equal(before.targets, after.targets)


def test_both_texts_of_a_pair_are_changed(augmented: Augmented) -> None:
    long = "one two three four five six seven eight nine ten"
    said = [augmented.changed((long, long), step, 0) for step in range(20)]
    assert any(first != long for first, _ in said) and any(second != long for _, second in said)
    assert any(first != second for first, second in said)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("augmented")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(80))
    return folder


def words(place: Path, models: TinyModels, out: str, *more: str) -> list:
    model = f"model={models.dropout_encoder}"
    return ["train", place / "tickets.csv", model, *QUICK, "--out", place / out, *more]


def test_a_run_tries_the_augmentation_first_and_its_report_says_how_that_went(place: Path, models: TinyModels) -> None:
    done = luthier(*words(place, models, "run", "augment=dropout", "augment.share=0.2"))
    assert done.returncode == 0, done.stderr
    found = report(place / "run")["augment"]
    assert found["method"] == "dropout" and found["share"] == 0.2
    trial = found["trial"]
    assert trial["low"] <= trial["difference"] <= trial["high"] and trial["rows"] == 56
    expected = "yes" if trial["low"] > 0 else "no" if trial["high"] < 0 else "unclear"
    assert trial["helps"] == expected and trial["sentence"] in done.stdout
    assert trial["sentence"] in (place / "run" / "report.html").read_text(encoding="utf-8").replace("&#43;", "+")


@pytest.mark.slow
def test_changed_windows_train_another_model_and_none_trains_the_usual_one(place: Path, models: TinyModels) -> None:
    for out, more in (("plain", []), ("none", ["augment=none"]), ("swap", ["augment=swap"])):
        assert luthier(*words(place, models, out, *more, "--quiet")).returncode == 0
    assert digest(place / "plain") == digest(place / "none") != digest(place / "swap")
    assert report(place / "plain")["augment"] is None


def test_validation_is_seen_as_it_is(place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is changed is asked for by training rows alone."""
    seen: set[str] = set()
    plain = Augmented.changed

    def watched(self: Augmented, input: str, step: int, number: int) -> str:
        seen.add(input)
        return plain(self, input, step, number)

    monkeypatch.setattr(Augmented, "changed", watched)
    assert luthier(*words(place, models, "watched", "augment=dropout", "train.epochs=1", "--quiet")).returncode == 0
    rows = json.loads((place / "watched" / "split.json").read_text(encoding="utf-8"))["rows"]
    texts = [text for text, _ in ticket_rows(80)]
    assert seen == {texts[i] for i in rows["train"]}


def test_a_resume_ends_with_the_same_bits(place: Path, models: TinyModels) -> None:
    from luthier.training import loop

    unhurt = luthier(*words(place, models, "unhurt", "augment=dropout", "--quiet"))
    assert unhurt.returncode == 0, unhurt.stderr
    original = loop.step_divided
    steps = 0

    def failing(*arguments) -> None:
        nonlocal steps
        steps += 1
        if steps == 12:
            raise KeyboardInterrupt
        original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "step_divided", failing)
        stopped = luthier(*words(place, models, "hurt", "augment=dropout", "--quiet"))
    assert stopped.returncode == 130
    done = luthier(*words(place, models, "hurt", "augment=dropout", "--quiet", "--resume"))
    assert done.returncode == 0, done.stderr
    assert digest(place / "hurt") == digest(place / "unhurt")
    other = luthier(*words(place, models, "unhurt", "augment=swap", "--quiet", "--resume"))
    assert other.returncode == 2 and "augment" in other.stderr


def test_a_task_whose_answers_hang_on_single_words_is_refused(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_text, "WholeText", frozenset)
    done = luthier(*words(place, models, "refused", "augment=dropout"))
    assert done.returncode == 2 and "augment=none" in done.stderr and not (place / "refused").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("augment=drpout", "did you mean 'dropout'"),
        ("augment={method: dropout, share: much}", "augment.share is 'much'"),
        ("augment={method: swap, shre: 0.2}", "did you mean 'augment.share'"),
        ("augment={method: dropout, share: 0.9}", "at most 0.5"),
    ],
)
def test_a_mistake_in_the_section_is_told_with_its_place(
    setting: str, said: str, place: Path, models: TinyModels
) -> None:
    done = luthier(*words(place, models, "mistake", setting))
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_the_wrong_kind_of_option_is_an_exception_with_the_key() -> None:
    from luthier.config.settings import load_settings

    with pytest.raises(ConfigError, match=r"augment\.share"):
        load_settings(None, ["augment={method: swap, share: [1]}"])


def test_repeats_of_over_sampling_are_changed_each_for_itself(place: Path, models: TinyModels) -> None:
    """Both sections together: the k-th repeat of a row has a number of its own."""
    rows = [row for row in ticket_rows(120) if row[1] != "refund" or len(row[0]) % 5 == 0]
    data = write_csv(place / "unbalanced.csv", ["text", "label"], rows)
    words = ["train", data, f"model={models.dropout_encoder}", *QUICK, "train.epochs=1", "--quiet"]
    done = luthier(*words, "balance=oversample", "augment=swap", "--out", place / "both")
    assert done.returncode == 0, done.stderr
    assert report(place / "both")["augment"]["method"] == "swap"
