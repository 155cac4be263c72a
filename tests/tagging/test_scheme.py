"""Tags to entities and back, and decoding that breaks no rule."""

import itertools

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from luthier.formats.marked.spans import Entity
from luthier.tagging.scheme import Scheme
from luthier.types import IGNORE

SCHEMES = pytest.mark.parametrize("scheme", [Scheme(("A", "B")), Scheme(("A", "B"), ends=True)], ids=["bio", "bioes"])
WORDS = np.array([[0, 2], [3, 5], [6, 8], [9, 11]])


def names(scheme: Scheme, tags: np.ndarray) -> list[str]:
    return [scheme.tags[tag] for tag in tags]


def test_entities_become_tags() -> None:
    entities = [Entity(0, 5, "A"), Entity(6, 8, "A")]
    assert names(Scheme(("A", "B")), Scheme(("A", "B")).write(WORDS, entities)) == ["B-A", "I-A", "B-A", "O"]
    ends = Scheme(("A", "B"), ends=True)
    assert names(ends, ends.write(WORDS, entities)) == ["B-A", "E-A", "S-A", "O"]


def test_an_entity_of_an_unknown_type_is_not_learnt() -> None:
    assert Scheme(("A",)).write(WORDS, [Entity(3, 8, "new")]).tolist() == [0, IGNORE, IGNORE, 0]


def test_a_window_that_begins_and_ends_within_an_entity_says_so() -> None:
    ends = Scheme(("A",), ends=True)
    assert names(ends, ends.write(WORDS[1:3], [Entity(0, 11, "A")])) == ["I-A", "I-A"]


@SCHEMES
def test_what_is_written_is_read_again(scheme: Scheme) -> None:
    rng = np.random.default_rng(0)
    words = np.array([[i, i + 1] for i in range(12)])
    for _ in range(50):
        cuts = np.sort(rng.choice(13, 6, replace=False)).tolist()
        entities = [Entity(a, b, str(rng.choice(["A", "B"]))) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        tags = scheme.write(words, entities)
        assert scheme.is_valid(tags)
        assert [Entity(*found) for found in scheme.read(tags)] == entities


@SCHEMES
def test_a_path_is_the_best_of_all_that_break_no_rule(scheme: Scheme) -> None:
    rng = np.random.default_rng(1)
    for length in (1, 2, 4):
        every = [np.array(tags) for tags in itertools.product(range(len(scheme.tags)), repeat=length)]
        allowed = np.stack([tags for tags in every if valid(scheme, tags)])
        for _ in range(6):
            scores = np.log(rng.dirichlet(np.ones(len(scheme.tags)), length))
            best = allowed[scores[np.arange(length), allowed].sum(1).argmax()]
            assert scheme.best_path(scores).tolist() == best.tolist()


@SCHEMES
def test_seqeval_reads_the_same_entities_from_a_path(scheme: Scheme) -> None:
    scores = np.random.default_rng(2).normal(size=(300, len(scheme.tags)))
    path = scheme.best_path(scores)
    assert not scheme.is_valid(scores.argmax(1))
    assert [(label, a, b - 1) for a, b, label in scheme.read(path)] == get_entities(names(scheme, path))


def valid(scheme: Scheme, tags: np.ndarray) -> bool:
    """By seqeval's strict reading, which drops what breaks a rule: nothing may be dropped."""
    strict = Entities([names(scheme, tags)], IOBES if scheme.ends else IOB2).entities[0]
    return sum(entity.end - entity.start for entity in strict) == int((tags > 0).sum())
