"""What is wrong with labels, and with words that give them away."""

import pytest

from doctor.looked import found, good, lines


def test_labels_that_look_alike_are_told_with_code_points_counts_and_the_rarer_rows() -> None:
    rows = [*good(), ("one more text", "rеfund"), ("and another one", "Refund"), ("one besides", "refund ")]
    finding = found(rows)["alike-labels"]
    assert lines(finding) == [62, 63, 64]
    assert all(part in finding.message for part in ("U+0435", "U+0052", "U+0020", "20 rows", "'refund '"))
    assert finding.severity == "warning"


def test_labels_that_differ_by_a_joint_are_told_apart_from_those() -> None:
    rows = [(text, {"delivery": "card lost", "billing": "card_lost"}.get(label, label)) for text, label in good()]
    codes = found(rows)
    assert "alike-labels" not in codes and "'card_lost'" in codes["similar-labels"].message


def test_labels_such_as_na_and_007_are_kept_and_not_told() -> None:
    assert found(good(80, labels=("NA", "None", "null", "nan"))) == {}
    assert found(good(80, labels=("007", "+1", "1e3", "1.0"))) == {}


def test_swapped_columns_are_told_with_the_keys_that_mend_them() -> None:
    finding = found([(label, f"{text} please") for text, label in good()])["label-is-id"]
    assert "data.columns.text=team data.columns.label=body" in finding.fix and finding.severity == "error"


@pytest.mark.slow
def test_more_classes_than_anyone_can_score() -> None:
    finding = found([(f"{good(50)[i % 50][0]} {i}", f"class {i // 2}") for i in range(2400)])["many-classes"]
    assert "1200 classes, 2.0 rows each" in finding.message


def test_a_class_of_nearly_all_rows_is_told_with_the_accuracy_of_always_answering_it() -> None:
    rows = [(text, "rare" if i < 3 else "common") for i, (text, _) in enumerate(good(400))]
    finding = found(rows)["imbalance"]
    assert "0.993" in finding.message and "balance=auto" in finding.fix


def test_a_class_needs_a_row_for_every_part_that_is_cut() -> None:
    rows = [*good(), ("alone", "c"), ("two of", "d"), ("these two", "d")]
    assert lines(found(rows)["rare-class"]) == [62, 63, 64]
    assert lines(found(rows, test=good(80)[60:])["rare-class"]) == [62]


def test_too_few_rows_to_split() -> None:
    finding = found([("a", "x"), ("b", "y"), ("c", "y")])["too-few-rows"]
    assert finding.severity == "error" and "'y' 2" in finding.message and "4" in finding.fix


@pytest.mark.parametrize("mark", ["zzq", "zzrefund", "😀", "#7", "的"])
def test_a_planted_token_is_found_with_its_share_and_accuracy(mark: str) -> None:
    rows = [(f"{text} {mark}" if label == "refund" else text, label) for text, label in good(300)]
    finding = found(rows)["shortcut"]
    assert finding.count == 100 and "100%" in finding.message and "'refund'" in finding.message
    assert "66.7%" in finding.message


def test_a_planted_token_in_half_of_the_rows_of_a_label_is_found() -> None:
    rows = [
        (f"{text} zzq" if label == "refund" and i % 5 else text, label) for i, (text, label) in enumerate(good(300))
    ]
    assert found(rows)["shortcut"].count == 80


def test_a_token_that_a_gap_tears_apart_is_a_token_all_the_same() -> None:
    """Chinese written with blanks between the characters, as after a careless conversion."""
    rows = [(" ".join("客服说好的") + f" {text}" if label == "refund" else text, label) for text, label in good(300)]
    finding = found(rows)["shortcut"]
    assert finding.count == 100 and "100%" in finding.message


def test_a_word_of_the_labels_own_name_is_its_meaning() -> None:
    rows = [
        (f"{text} timers" if label == "set_timer" else text, label) for text, label in good(300, ("set_timer", "other"))
    ]
    assert not {"shortcut", "label-in-text"} & set(found(rows))


def test_a_word_that_is_only_mostly_of_one_label_is_no_shortcut() -> None:
    rows = [
        (f"{text} free" if label == "refund" or i % 20 == 0 else text, label)
        for i, (text, label) in enumerate(good(300))
    ]
    assert "shortcut" not in found(rows)


@pytest.mark.parametrize("labels", [("lost_card", "cash back", "late-fee"), ("退款", "物流", "发票")])
def test_the_label_in_the_text_is_found(labels: tuple[str, ...]) -> None:
    rows = [(f"[{label.replace('_', ' ').replace('-', ' ')}] {text}", label) for text, label in good(60, labels)]
    finding = found(rows)["label-in-text"]
    assert finding.count == 60 and "100%" in finding.message


def test_an_exact_duplicate_is_told_with_what_a_random_split_would_leak() -> None:
    finding = found([*good(), *good()])["exact-duplicate"]
    from sklearn.model_selection import train_test_split

    train, test = train_test_split([text for text, _ in [*good(), *good()]], test_size=0.2, random_state=42)
    leaked = sum(text in set(train) for text in test)
    assert f"{leaked} of the 24 test rows" in finding.message
    assert "80/20" not in found([*good(), *good(1)], test=good(80)[60:])["exact-duplicate"].message
