"""What counts as learnt by heart: runs of eight words of one training answer that the right answer does not have."""

import pytest

from luthier.evaluation.written.memory import memory_of

TRAINED = [
    "the parcel left our warehouse this morning and will be with you before noon tomorrow at the latest",
    "please hold the button for three seconds until the small light beside it turns from orange to green",
    "nothing to do with it",
]
OTHER = "an answer in words that are entirely its own and that nobody in the training rows has ever used before"


def test_an_answer_that_repeats_a_training_answer_is_found_with_its_longest_run() -> None:
    said = "Good news: the parcel left our warehouse this morning and will be with you before noon tomorrow!"
    found = memory_of([OTHER, said], ["right", "right"], TRAINED)
    assert found is not None
    (copied,) = found.copied
    assert (copied.number, copied.of, copied.longest, copied.words) == (1, 0, 15, 17)
    assert copied.share == pytest.approx(8 / 10)
    assert found.judged == 2 and found.longest_share == pytest.approx(15 / 17 / 2)
    assert found.sentence.startswith("1 of 2 written answers (50%)")


def test_what_the_right_answer_says_too_is_no_sign_of_it() -> None:
    found = memory_of([TRAINED[0]], [TRAINED[0]], TRAINED)
    assert found is not None and not found.copied and found.longest_share == 0


def test_pieces_of_several_training_answers_are_not_taken_for_a_copy_of_one() -> None:
    pieces = [" ".join(answer.split()[:8]) for answer in TRAINED[:2]]
    found = memory_of([" ".join(pieces)], ["right"], TRAINED)
    assert found is not None and not found.copied  # each run of eight is one of nine


def test_words_apart_from_each_other_are_no_run() -> None:
    words = TRAINED[1].split()
    shuffled = " ".join(words[i] for i in range(len(words)) if i % 7)
    found = memory_of([shuffled], ["right"], TRAINED)
    assert found is not None and found.longest_share == 0


def test_in_chinese_a_word_is_a_character() -> None:
    trained = ["请同时按住冲洗和取水五秒，听到嘀的一声，灯会转绿。"]
    found = memory_of(["您好，请同时按住冲洗和取水五秒", "完全不一样的一句回答，没有重复"], ["好", "好"], trained)
    assert found is not None
    assert [(one.number, one.longest) for one in found.copied] == [(0, 12)]


def test_answers_shorter_than_a_run_are_not_judged() -> None:
    assert memory_of(["yes", "nothing to do with it"], ["no", "no"], TRAINED) is None
    found = memory_of(["yes", OTHER], ["no", "no"], TRAINED)
    assert found is not None and found.judged == 1
