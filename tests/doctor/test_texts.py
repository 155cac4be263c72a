"""What is wrong with texts is found with its rows, and what is right is left alone."""

import pytest

from doctor.looked import found, good, lines
from luthier.text.misread import likely_original


def test_good_rows_have_no_findings() -> None:
    assert found(good()) == {}


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text", ["le café est très bon", "it’s “fine” – really…", "привет мир", "你好，世界", "nice 😀", "£5"]
)
def test_utf_8_that_was_read_as_latin_is_mended(text: str, encoding: str) -> None:
    broken = "".join(bytes([b]).decode(encoding, errors="ignore") or chr(b) for b in text.encode())
    assert likely_original(broken) == text
    assert likely_original(text) is None


@pytest.mark.parametrize("text", ["今天天气很好，我们去公园", "it’s “fine”"])
def test_utf_8_that_was_read_as_gbk_is_mended(text: str) -> None:
    broken = text.encode().decode("gb18030", errors="ignore")
    mended = likely_original(broken)
    assert mended is not None and mended[:4] == text[:4]


@pytest.mark.parametrize(
    "text",
    [
        "le café est très bon, naïve Größe",
        "il a sonné…» dit-elle",
        "AMANHÃ — “NÃO”",
        "CAFÉ…",
        "联通和移动的套餐",
        "涓涓细流",
        "±5 µm, 20 °C, §3, ½",
        "Ð is a letter of Iceland",
        "Ελληνικά και русский",
        "日本語のテキスト",
    ],
)
def test_text_with_accents_and_other_scripts_is_not_taken_for_misread(text: str) -> None:
    assert likely_original(text) is None


def test_windows_quotation_marks_that_were_read_as_latin_are_mended() -> None:
    assert likely_original("that\x92s the way \x96 \x93fine\x94") == "that’s the way – “fine”"
    assert set(found([*good(), ("that\x92s late", "refund")])) == {"mojibake"}


def test_misread_texts_are_told_with_the_likely_original() -> None:
    finding = found([*good(), ("le cafÃ© est trÃ¨s bon", "refund")])["mojibake"]
    assert lines(finding) == [62] and "café" in finding.message and finding.rows[0].column == "body"


@pytest.mark.parametrize("text", ["zero\u200bwidth", "\ufeffbegin", "soft\u00adhyphen", "marked\u200e", "a\u200db"])
def test_characters_that_nobody_sees_are_found(text: str) -> None:
    finding = found([*good(), (text, "refund")])["invisible-character"]
    assert lines(finding) == [62] and "U+" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧 and 🏳️‍🌈 and ❤️‍🔥",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می‌خواهم",
        "क्‍ष",
        "\u200fשלום abc\u200e",
        "\u2067שלום\u2069 שלום",
        "ภาษา\u200bไทย",
        "e\u0301 𠮷野家",
        "a b\u00a0c\u3000d",
    ],
)
def test_characters_that_a_script_needs_are_kept(text: str) -> None:
    assert "invisible-character" not in found([*good(), (text, "refund")])


@pytest.mark.parametrize("text", ["a lost \ufffd character", "锟斤拷锟斤拷"])
def test_lost_characters_are_told(text: str) -> None:
    assert lines(found([*good(), (text, "refund")])["replacement-character"]) == [62]


@pytest.mark.parametrize("text", ["<p>late</p>", "one<br/>two", "me &amp; you", "see <a href='x'>here</a>", "&#39;s"])
def test_remains_of_a_page_are_told_with_share_and_sample(text: str) -> None:
    finding = found([*good(), (text, "refund")])["html"]
    assert lines(finding) == [62] and "1.6%" in finding.message and text[:5] in finding.message


@pytest.mark.parametrize(
    "text", ["a < b and c > d", "R&D; AT&T", "I <3 you", "<name> of <firm>", "``` <p>code</p> ```"]
)
def test_what_only_looks_like_markup_is_not(text: str) -> None:
    assert "html" not in found([*good(), (text, "refund")])


def test_one_tag_in_many_rows_is_no_finding() -> None:
    assert "html" not in found([*good(400), ("a <b>word</b>", "refund")])


@pytest.mark.parametrize(
    "form", ["Sent from my new telephone\n{}", "{} | confidential, not for you", "{}\nKind regards, the team"]
)
def test_the_same_words_in_most_texts_are_told(form: str) -> None:
    rows = [(form.format(text) if i % 4 else text, label) for i, (text, label) in enumerate(good())]
    finding = found(rows)["boilerplate"]
    assert finding.count == 45 and "75%" in finding.message


def test_a_text_that_stands_there_often_is_a_duplicate_and_no_boilerplate() -> None:
    assert "boilerplate" not in found([*good(40), *[("please call me back this very afternoon", "refund")] * 60])


def test_personal_data_are_counted_and_never_shown() -> None:
    rows = [*good(), ("mail anna@berg.example or 07946746291", "refund"), ("card 4111111111111111", "refund")]
    finding = found(rows)["personal-data"]
    assert lines(finding) == [62, 63]
    assert all(f"{kind} 1" in finding.message for kind in ("mail addresses", "telephone numbers", "bank cards"))
    assert not any(value in finding.message for value in ("anna", "07946", "4111")) and "[email]" in finding.message


def test_texts_that_are_ids_are_no_texts() -> None:
    finding = found([(str(100_000 + i), label) for i, (_, label) in enumerate(good())])["text-is-id"]
    assert finding.severity == "error" and finding.rows[0].column == "body"
    assert "text-is-id" not in found([*((str(i), label) for i, (_, label) in enumerate(good())), ("words", "refund")])


def test_a_cell_that_is_half_a_file_is_told_with_its_size() -> None:
    finding = found([*good(), ("word " * 30_000, "refund")], max_length=128)["long-cell"]
    assert lines(finding) == [62] and "150,000" in finding.message and "128 tokens" in finding.fix


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("这个包裹什么时候才能送到，我等了很久", "zh 11.8%"),
        ("wo ist das paket und warum ist es nicht hier für mich", "de 11.8%"),
    ],
)
def test_rows_in_another_language_are_told(text: str, share: str) -> None:
    rows = [*good(), *[(f"{text} {i}", "refund") for i in range(8)]]
    finding = found(rows)["language-mix"]
    assert share in finding.message and lines(finding) == list(range(62, 70))


def test_a_foreign_name_or_two_make_no_mixture() -> None:
    assert "language-mix" not in found(
        [*good(), *[(f"el nino de la {i}", "refund") for i in range(9)], ("北京", "refund")]
    )
