"""The baselines learn what is easy, and how strongly they are held back is chosen on validation."""

from collections.abc import Sequence

import numpy as np

from luthier.balancing.remedy import Remedy
from luthier.evaluation.baselines import MOST_ROWS, cheap_ways, sample, tfidf
from luthier.evaluation.linear import Rows, best_linear, decided_linear
from luthier.seen import Features, Frozen, Scaling, Seen
from luthier.tasks.classification import Classification
from luthier.tasks.multilabel import MultiLabel
from luthier.types import Example
from tiny import ticket_rows

TASK = Classification(labels=("billing", "delivery", "refund"))


def examples(count: int, seed: int) -> list[Example]:
    return [Example(text, label) for text, label in ticket_rows(count, seed)]


def seen(rows: list[Example], vectors_ND: np.ndarray | None = None) -> Seen:
    return Seen(rows, Features([], np.zeros((len(rows), 1)) if vectors_ND is None else vectors_ND))


def accuracy(predictions: Sequence, rows: Sequence[Example]) -> float:
    return float(np.mean([TASK.show(p)["label"] == e.answer for p, e in zip(predictions, rows, strict=True)]))


def test_the_commonest_answer_is_right_as_often_as_it_is_common() -> None:
    train, test = examples(80, 0), examples(60, 1)
    said = cheap_ways(TASK, Frozen(seen(train), None, seen(test)), seed=0)["majority"]()
    labels = [e.answer for e in train]
    common = max(set(labels), key=labels.count)
    assert accuracy(said, test) == np.mean([e.answer == common for e in test])


def test_counted_words_learn_classes_that_differ_by_words() -> None:
    test = examples(60, 1)
    assert accuracy(tfidf(TASK, examples(150, 0), examples(30, 2), test, seed=0), test) > 0.95


def test_languages_without_spaces_are_counted_by_characters() -> None:
    words = {"billing": "发票重复扣款", "delivery": "快递还没到", "refund": "退款没收到"}
    rows = [Example(f"{words[label]}第{i}次", label) for i in range(30) for label in TASK.labels]
    assert accuracy(tfidf(TASK, rows[:60], [], rows[60:], seed=0), rows[60:]) == 1.0


def test_vectors_are_read_off_linearly() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 8)) * 3
    labels = rng.integers(0, 3, 120)
    vectors = centres[labels] + rng.normal(size=(120, 8))
    rows = [Example("", TASK.labels[c]) for c in labels]
    train, check, judged = (seen(rows[a:b], vectors[a:b]) for a, b in ((0, 80), (80, 100), (100, 120)))
    said = cheap_ways(TASK, Frozen(train, check, judged), seed=0)["embeddings"]()
    assert accuracy(said, judged.examples) > 0.9


def test_the_strength_is_the_one_that_validation_likes_best() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    features = rng.normal(size=(300, 60))
    features[:, 0] += labels * 2
    answers = [TASK.labels[c] for c in labels]
    train, check = Rows(features[:90], answers[:90]), Rows(features[90:], answers[90:])
    assert best_linear(TASK, train, check, (1000.0, 0.01), 0).C == 0.01
    assert best_linear(TASK, train, None, (1000.0, 0.01), 0).C == 1000.0


def test_very_many_rows_are_sampled_in_order_and_the_same_for_the_same_seed() -> None:
    rows = [Example(str(i), "refund", row=i) for i in range(MOST_ROWS + 10)]
    first, again = sample(rows, 1), sample(rows, 1)
    assert len(first) == MOST_ROWS and first == again
    assert [e.row for e in first] == sorted(e.row for e in first)
    assert sample(rows[:5], 1) == rows[:5]


def test_features_that_hardly_vary_are_not_blown_up() -> None:
    features = np.array([[0.0, 1e-9], [1.0, -1e-9]])
    assert abs(Scaling.of(features, least=0.05)(features)[:, 1]).max() < 1e-6


def test_of_pairs_they_see_how_alike_the_texts_are() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(400)]
    rows, vectors, parts = [], [], ([], [])
    for i in range(300):
        first = rng.choice(words, 6, replace=False).tolist()
        same = bool(i % 2)
        second = rng.permutation(first).tolist() if same else rng.choice(words, 6, replace=False).tolist()
        rows.append(Example((" ".join(first), " ".join(second)), "same" if same else "other"))
        mean = rng.normal(size=8)
        parts[0].append(mean)
        parts[1].append(mean + 0.1 * rng.normal(size=8) if same else rng.normal(size=8))
        vectors.append(rng.normal(size=8))  # of the pair as a whole, which says nothing
    task = Classification(labels=("other", "same"))

    def part(a: int, b: int) -> Seen:
        sides = [np.array(side[a:b]) for side in parts]
        return Seen(rows[a:b], Features([], np.array(vectors[a:b]), parts=sides))

    ways = cheap_ways(task, Frozen(part(0, 200), None, part(200, 300)), seed=0)
    for name in ("tfidf", "embeddings"):
        right = [task.labels[int(p.argmax())] == row.answer for p, row in zip(ways[name](), rows[200:], strict=True)]
        assert np.mean(right) > 0.9, name


def test_thresholds_are_tuned_for_the_baseline_and_not_for_the_heads_start() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1200, 6))
    holds = vectors @ rng.normal(size=(6, 3)) + 2 * rng.normal(size=(1200, 3)) > 4
    answers = [frozenset(label for label, held in zip("abc", row, strict=True) if held) for row in holds]
    train, check = Rows(vectors[:800], answers[:800]), Rows(vectors[800:], answers[800:])
    task = MultiLabel(labels=("a", "b", "c")).remedied(Remedy(moves_decisions=True))
    start, baseline = (make(task, train, check, (1.0,), 0) for make in (best_linear, decided_linear))
    assert (baseline.bias_C > start.bias_C + 0.3).all()
    off = MultiLabel(labels=("a", "b", "c"))
    assert np.array_equal(decided_linear(off, train, check, (1.0,), 0).bias_C, start.bias_C)


def test_a_class_out_of_scope_is_placed_for_the_baseline_too() -> None:
    rng = np.random.default_rng(0)
    classes = np.r_[rng.integers(0, 3, 600), np.full(30, 3)]
    centres = np.r_[rng.normal(size=(3, 8)) * 0.7, np.zeros((1, 8))]
    rows = Rows(centres[classes] + rng.normal(size=(630, 8)), [("a", "b", "c", "oos")[c] for c in classes])
    plain, moved = (Classification(reject=how, labels=("a", "b", "c", "oos")) for how in (None, "oos"))
    recalls = []
    for task in (plain, moved):
        said = task.read_linear(decided_linear(task, rows, rows, (1.0,), 0), rows.features)
        recalls.append(np.mean([p.argmax() == 3 for p in said[600:]]))
    assert recalls[1] > recalls[0] + 0.2
