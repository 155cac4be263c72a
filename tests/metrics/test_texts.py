import random
from decimal import Decimal

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from luthier.metrics.last_number import ends_in_number, last_number
from luthier.metrics.overlap import common_subsequence, rouge_l, words_of
from luthier.metrics.texts import text_figures, text_scores

ENGLISH = "The cat sat on a mat , and it ran home ! it's 5.5 km (or 6) — “no” &quot; said .".split()  # noqa: SIM905
CHINESE = "我们 今天 去 北京 看 展览 ， 门票 25.5 元 。 iPhone 很 好 Pro".split()  # noqa: SIM905
JAPANESE = "きょう は 東京 へ 行き ます 。 カメラ 3 台".split()  # noqa: SIM905


def pairs(words: list[str], between: str, count: int = 60) -> list[tuple[str, str]]:
    draw = random.Random(0)
    texts = [between.join([words[0], *draw.choices(words, k=draw.randint(0, 25))]) for _ in range(2 * count)]
    return list(zip(texts[::2], texts[1::2], strict=True))


def scores(texts: list[tuple[str, str]], weights_RN: np.ndarray | None = None) -> dict[str, np.ndarray]:
    weights_RN = np.ones((1, len(texts))) if weights_RN is None else weights_RN
    return text_scores([text_figures(said, right) for said, right in texts], weights_RN)


def value(name: str, *texts: tuple[str, str]) -> float:
    return float(scores(list(texts))[name][0])


def test_rouge_is_that_of_the_package_on_english_without_its_stemmer() -> None:
    package = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    for said, right in [*pairs(ENGLISH, " "), ("", "a"), ("a", ""), ("", "")]:
        figures, theirs = text_figures(said, right), package.score(right, said)
        for ours, name in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
            assert figures[ours][0] == pytest.approx(theirs[name].fmeasure, abs=1e-12), (said, right)


@pytest.mark.parametrize(
    ("words", "between", "tokenize"), [(ENGLISH, " ", "13a"), (CHINESE, "", "zh"), (JAPANESE, "", "char")]
)
def test_bleu_and_chrf_are_those_of_sacrebleu(words: list[str], between: str, tokenize: str) -> None:
    texts = pairs(words, between)
    for part in (texts, texts[:1], texts[1:3], [("", texts[0][1])], [(words[0], texts[0][1])]):
        said, right = [said for said, _ in part], [right for _, right in part]
        found = scores(part)
        bleu = sacrebleu.BLEU(tokenize=tokenize, force=True).corpus_score(said, [right]).score
        assert found["bleu"][0] == pytest.approx(bleu, abs=1e-9)
        assert found["chrf"][0] == pytest.approx(sacrebleu.CHRF().corpus_score(said, [right]).score, abs=1e-9)


def test_scores_of_a_resample_are_those_of_its_texts() -> None:
    texts = pairs(ENGLISH, " ", 8)
    counts = np.array([[2, 0, 1, 0, 0, 3, 1, 1], [0, 0, 0, 0, 0, 0, 0, 8]])
    found = scores(texts, counts.astype(float))
    for row, count in enumerate(counts):
        repeated = [text for text, times in zip(texts, count, strict=True) for _ in range(times)]
        alone = scores(repeated)
        for name, of_all in found.items():
            assert of_all[row] == pytest.approx(alone[name][0]), name


def test_chinese_is_compared_by_characters_and_what_stands_between_them_by_words() -> None:
    assert words_of("我有iPhone 15，很好。") == ["我", "有", "iphone", "15", "很", "好"]
    assert words_of("Été à Zürich; हिन्दी को") == ["été", "à", "zürich", "हिन्दी", "को"]
    assert value("rouge_l", ("今天天气好", "今天好天气")) == pytest.approx(0.8)


def test_the_longest_common_subsequence_is_that_of_the_textbook() -> None:
    draw = random.Random(0)
    for _ in range(50):
        first, second = (draw.choices("abcd", k=draw.randint(0, 90)) for _ in range(2))
        table = np.zeros((len(first) + 1, len(second) + 1), int)
        for i, mine in enumerate(first):
            for j, theirs in enumerate(second):
                table[i + 1, j + 1] = table[i, j] + 1 if mine == theirs else max(table[i, j + 1], table[i + 1, j])
        assert common_subsequence(first, second) == table[-1, -1]


def test_a_text_of_thousands_of_words_takes_no_time() -> None:
    words = [str(i % 700) for i in range(20_000)]
    assert rouge_l(words, words[::-1]) < 1.0 == rouge_l(words, words)


@pytest.mark.parametrize(
    ("said", "right", "same"),
    [
        ("Yes.", "yes", 1), ("ＡＢＣ  d ", "abc\nd.", 1), ("好的。", "好的", 1), ("no", "yes", 0), ("2.5", "25", 0),
        ("a .", "a", 1),
    ],
)  # fmt: skip
def test_exact_match_passes_over_case_width_space_and_a_full_stop(said: str, right: str, same: int) -> None:
    assert value("exact_match", (said, right)) == same


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("48 / 2 = 24. 48 + 24 = 72 #### 72", "72"), ("#### 1,234.50", "1234.5"), ("costs $12.50.", "12.5"),
        ("from 3-5", "5"), ("it is -5", "-5"), ("COVID-19", "19"), ("１２", "12"), ("3.5万", "35000"),
        ("一百二十三", "123"), ("三万五千", "35000"), ("二〇二四", "2024"), ("负十二点五", "-12.5"),
        ("两千零一", "2001"), ("一亿零三百万", "103000000"), ("一万亿", "1000000000000"),
        ("12 and 1,2", "2"), (".5", "0.5"), ("2000,000", "0"),
    ],
)  # fmt: skip
def test_the_last_number_is_read_as_people_read_it(text: str, number: str) -> None:
    assert last_number(text) == Decimal(number)


def test_a_text_without_a_number_has_none() -> None:
    assert last_number("nothing at all") is None and last_number("点") is None


@pytest.mark.parametrize("text", ["#### 72", "It is 72.", "72个苹果。", "about 72 apples", "$72", "(72 %)", "一百"])
def test_answers_that_come_to_a_number(text: str) -> None:
    assert ends_in_number(text)


@pytest.mark.parametrize("text", ["Room 12 is free from now on", "我们一起去", "none", ""])
def test_answers_that_only_mention_one(text: str) -> None:
    assert not ends_in_number(text)


def test_numbers_are_compared_only_where_nearly_all_right_answers_are_numbers() -> None:
    assert value("numeric_match", ("so 1,000", "#### 1000"), ("4", "5")) == 0.5
    assert "numeric_match" not in scores([("a 1", "it is 1"), ("b", "no")])


def test_json_is_judged_only_where_the_right_answers_are_json() -> None:
    right = '{"a": [1, 2.50], "b": null}'
    texts = [('{"b":null,"a":[1.0,2.5]}', right), ('{"a": [true, 2.5], "b": null}', right), ("a: 1", right)]
    assert value("json_valid", *texts) == pytest.approx(2 / 3)
    assert value("json_match", *texts) == pytest.approx(1 / 3)
    assert "json_valid" not in scores([("1", "1"), ('"a"', '"a"')])
    assert value("json_valid", ("[" * 100_000, right)) == 0


def test_going_in_circles_and_length_are_told() -> None:
    texts = [("no no no no", "two words"), ("one way", "two words")]
    assert value("distinct_1", *texts) == pytest.approx(3 / 6)
    assert value("distinct_2", *texts) == pytest.approx(2 / 4)
    assert value("length_ratio", *texts) == pytest.approx(6 / 4)


def test_texts_that_were_not_written_do_not_count() -> None:
    figures = [text_figures("a b", "a b", stopped=True), {}, text_figures("a", "b", stopped=False)]
    found = text_scores(figures, np.array([[1.0, 9.0, 1.0], [0.0, 1.0, 0.0]]))
    assert found["rouge_l"][0] == 0.5 == found["stopped"][0]
    assert np.isnan(found["rouge_l"][1])
    assert text_scores([{}, {}], np.ones((1, 2))) == {}


def test_a_thousand_resamples_of_a_thousand_texts_take_no_time() -> None:
    import time

    figures = [text_figures(said, right) for said, right in pairs(ENGLISH, " ", 10)] * 100
    weights = np.random.default_rng(0).integers(0, 3, (1000, 1000)).astype(float)
    begin = time.perf_counter()
    text_scores(figures, weights)
    assert time.perf_counter() - begin < 0.5
