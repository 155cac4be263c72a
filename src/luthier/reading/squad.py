"""Files as SQuAD's (Rajpurkar et al. 2016, 2018): articles of paragraphs of questions, a row a question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from luthier.errors import Place, Problem, nearest_name, shown
from luthier.language import t
from luthier.types import Row


def is_article(value: Any) -> bool:
    """Whether an item of the list under "data" holds paragraphs."""
    return isinstance(value, dict) and "paragraphs" in value


def questions(article: dict[str, Any], written: str, place: Place, number: int, path: str) -> Iterator[Row | Problem]:
    """written: the article as it stands in the file. place: where it begins. number: of the first row.
    path: to it, such as data[3]. The place of a row has the JSON path in its column."""
    finder = _Finder(written, place)
    paragraphs = article["paragraphs"]
    if not isinstance(paragraphs, list):
        yield _wrong(finder.at(f"{path}.paragraphs"), article, "paragraphs", t("a list"))
        return
    for p, paragraph in enumerate(paragraphs):
        here = f"{path}.paragraphs[{p}]"
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("context"), str):
            yield _wrong(finder.at(here), paragraph, "context", t("a text"))
            number += 1
            continue
        if not isinstance(paragraph.get("qas"), list):
            yield _wrong(finder.at(here), paragraph, "qas", t("a list"))
            number += 1
            continue
        for q, question in enumerate(paragraph["qas"]):
            yield _question(question, paragraph, article, finder, number, f"{here}.qas[{q}]")
            number += 1


def _question(
    question: Any, paragraph: dict[str, Any], article: dict[str, Any], finder: _Finder, number: int, path: str
) -> Row | Problem:
    if not isinstance(question, dict) or not isinstance(question.get("question"), str):
        return _wrong(finder.at(path), question, "question", t("a text"))
    place = finder.at(path, question.get("id"), question["question"])
    answers = question.get("answers")
    if answers is None and nearest_name("answers", question) is not None:
        return _wrong(place, question, "answers", t("a list"))
    if answers is not None:
        if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
            return _wrong(place, question, "answers", t("a list"))
        for a, answer in enumerate(answers):
            if missing := next((key for key in ("text", "answer_start") if key not in answer), None):
                return _wrong(Place(place.file, place.line, f"{path}.answers[{a}]"), answer, missing, t("a value"))
        answers = {key: [answer[key] for answer in answers] for key in ("text", "answer_start")}
    values = {
        "id": question.get("id"),
        "title": article.get("title"),
        "context": paragraph["context"],
        "question": question["question"],
        "answers": answers,
        "is_impossible": question.get("is_impossible", False),
    }
    return Row(values, place, number)


def _wrong(place: Place, holder: Any, key: str, wanted: str) -> Problem:
    """A key that is missing from where it belongs, or holds something else."""
    if not isinstance(holder, dict):
        what = t("{value} is no object", value=shown(holder))
        return Problem(place, what, t('write {{"{key}": …}}', key=key), "squad-key")
    if key in holder:
        what = t("{key} is {value}, not {wanted}", key=key, value=shown(holder[key]), wanted=wanted)
        return Problem(place, what, t("write it as SQuAD does"), "squad-key")
    what = t("no key '{key}'", key=key)
    near = nearest_name(key, holder)
    fix = t("did you mean '{name}'?", name=near) if near else t("write it as SQuAD does")
    return Problem(place, what, fix, "squad-key")


class _Finder:
    """Finds the lines of an article's questions, in their order, by looking for their ids in what is written."""

    def __init__(self, written: str, place: Place) -> None:
        self._written, self._place = written, place
        self._one_line = "\n" not in written
        self._at, self._line = 0, place.line or 1

    def at(self, path: str, *known: Any) -> Place:
        """known: values that the wanted part holds; the first one found says its line."""
        for value in known if not self._one_line else ():
            found = max(self._find(value, ascii=True), self._find(value, ascii=False))
            if found >= 0:
                self._line += self._written.count("\n", self._at, found)
                self._at = found
                break
        return Place(self._place.file, self._line, path)

    def _find(self, value: Any, *, ascii: bool) -> int:
        return self._written.find(json.dumps(value, ensure_ascii=ascii), self._at) if value is not None else -1
