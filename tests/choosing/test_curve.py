"""`luthier curve` on tickets: by words where no model is at hand, by frozen features where one is."""

import json
from pathlib import Path

import pytest

from luthier.choosing.curve import learning_curve
from luthier.config.settings import load_settings
from luthier.errors import DataError, ModelError
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenth of the labels are of another class, so that nobody gets all of them right."""
    names = ["billing", "delivery", "refund"]
    rows = [
        (text, names[(names.index(label) + 1) % 3] if i % 10 == 3 else label)
        for i, (text, label) in enumerate(ticket_rows(240))
    ]
    return write_csv(tmp_path_factory.mktemp("curve") / "tickets.csv", ["text", "label"], rows)


@pytest.fixture(scope="module")
def words(data: Path):
    """Without torch, as far as the code can tell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("luthier.choosing.features.has", lambda module: False)
        return learning_curve(load_settings(None, (), {"data.train": str(data)}))


def test_without_torch_words_are_counted(words) -> None:
    assert "TF-IDF" in words.learner and words.metric == "macro_f1"
    assert words.rows == 168  # the training part of a default split
    values = [point.value for point in words.points]
    assert values[-1] > values[0] + 0.1
    assert words.points[-1].rows == 134  # four of five folds
    assert all(point.low <= point.value <= point.high for point in words.points)


def test_what_the_curve_says_is_what_it_measured(words) -> None:
    twice = words.forecast.outlooks[0]
    assert twice.rows == 336 and twice.gain_low < twice.gain_high
    assert words.forecast.sentence in json.dumps(words.as_json(), ensure_ascii=False)


def test_classes_are_ranked_by_what_half_of_the_rows_brought_them(words) -> None:
    assert {gain.label for gain in words.classes} == {"billing", "delivery", "refund"}
    assert sum(gain.rows for gain in words.classes) == 168
    gains = [gain.gain for gain in words.classes]
    assert gains == sorted(gains, reverse=True)
    assert all(gain.low <= gain.gain <= gain.high and 0 <= gain.after <= 1 for gain in words.classes)


def test_the_test_rows_change_nothing(data: Path, words, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.choosing import curve

    def scrambled(settings):
        from dataclasses import replace

        from luthier.preparing.prepare import prepare

        found = prepare(settings)
        wrong = [replace(example, answer="billing") for example in found.split.test]
        return replace(found, split=replace(found.split, test=wrong))

    monkeypatch.setattr("luthier.choosing.features.has", lambda module: False)
    monkeypatch.setattr(curve, "prepare", scrambled)
    again = learning_curve(load_settings(None, (), {"data.train": str(data)}))
    assert again.points == words.points and again.forecast == words.forecast


def test_a_named_model_gives_the_features_and_a_page_shows_the_curve(
    data: Path, models: TinyModels, tmp_path: Path
) -> None:
    done = luthier("curve", data, "--model", models.encoder, "--json", "--out", tmp_path / "curve.html")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert str(models.encoder) in found["learner"] and len(found["points"]) >= 5
    assert "learning curve of frozen features" in done.stderr and "tested on itself" in done.stderr
    page = (tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "data:image/svg+xml" in page and "default-src 'none'" in page and "<script" not in page
    assert "delivery" in page and "336 (2×)" in page


def test_a_named_model_that_is_not_there_is_refused(data: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        learning_curve(load_settings(None, (), {"data.train": str(data), "model": "/nowhere/model"}))


def test_chinese_without_a_model_at_hand_is_counted_by_characters(tmp_path: Path) -> None:
    words = {"退款": "钱没有退回来", "物流": "快递还没有到", "发票": "重复扣款开发票"}
    rows = [(f"{text}第{i}次了请处理", label) for i in range(28) for label, text in words.items()]
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], rows)
    done = luthier("curve", data, "--json")
    assert done.returncode == 0, done.stderr
    assert "no pretrained model is at hand" in done.stderr
    assert "TF-IDF" in json.loads(done.stdout)["learner"]


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "few.csv", ["text", "label"], ticket_rows(60))
    with pytest.raises(DataError, match="42 training rows are too few for a curve"):
        learning_curve(load_settings(None, (), {"data.train": str(data)}))


@pytest.mark.parametrize(
    ("out", "words"), [("curve.pdf", "name it .html"), ("no/such/curve.html", "cannot be written")]
)
def test_a_page_that_could_not_be_written_is_refused_at_once(out: str, words: str, data: Path, tmp_path: Path) -> None:
    done = luthier("curve", data, "--out", tmp_path / out)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_many_classes_of_few_rows_are_measured_without_a_library_complaining(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr("luthier.choosing.features.has", lambda module: False)
    rows = [(f"{text} number {i % 30}", f"class {i % 30}") for i, (text, _) in enumerate(ticket_rows(180))]
    data = write_csv(tmp_path / "many.csv", ["text", "label"], rows)
    found = learning_curve(load_settings(None, (), {"data.train": str(data)}))
    assert len(found.points) >= 5 and len(found.classes) == 30
    assert not [str(warning.message) for warning in recwarn if "sklearn" in warning.filename]
