"""Cleaning changes what nobody wrote, keeps what somebody did, and has nothing to do the second time."""

import itertools
import random
import time

import pytest

from luthier.errors import ConfigError
from luthier.text.clean import KEEPS_LENGTH, STEPS, Cleaner, cleaner

PIECES = [
    "<b>", "</b>", "<br/>", "<p class='x'>", "</p>", "<script>", "</script>", "<!--", "-->", "<td>", "<", ">", "&", ";",
    "&amp;", "&lt;", "&#60;", "&#x3e;", "&nbsp;", "&copy", "amp;", "lt;", "gt;", "#", "b", "br", "/", "=",
    " ", "  ", "\t", "\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\xa0", "\u3000", "\n\n\n", "```", "\x0b", "\x1c",
    "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2066", "\ufeff", "\xad", "\x00", "\x93", "\ud800", "\ufe0f",
    "\U0001f469", "\u2764", "\U0001f3f4", "\U000e0067", "\U000e007f", "\u0645", "\u06cc", "\u0915", "\u094d",
    "\u0e01", "א",
    "e\u0301", "\u0301", "é", "한", "\u1112\u1161\u11ab", "\u0958", "ｅ", "Ａ１", "＆", "＜", "＞",
    "！", "，", "＃", "；",
    "Ã©", "â€™", "Ã", "©", "â", "€", "™", "ä½\xa0å¥½", "中文", "你好", "word", "I", "7", "a@b.co", "@", ".com",
    "mail bob@mail.com", "+44 20 7946 0958", "13800138000", "[email]",
]  # fmt: skip
ALONE = [(name,) for name in STEPS]
TOGETHER = [names for size in (2, 3, len(STEPS) - 1, len(STEPS)) for names in itertools.combinations(STEPS, size)]


def strings(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(PIECES, k=draw.randint(1, 12))) for _ in range(count)]


@pytest.mark.parametrize("names", ALONE, ids="+".join)
def test_cleaned_text_is_not_changed_again(names: tuple[str, ...]) -> None:
    clean = cleaner(names)
    for text in strings(300, seed=1):
        assert clean(clean(text)) == clean(text), ascii(text)


def test_steps_that_make_work_for_each_other_settle_too() -> None:
    texts = strings(300, seed=2)
    for number, names in enumerate(TOGETHER):
        clean = cleaner(names)
        for text in texts[number % 10 :: 10]:
            assert clean(clean(text)) == clean(text), (names, ascii(text))


def test_the_order_is_ours_whatever_the_order_of_the_names() -> None:
    assert cleaner(("whitespace", "html", "nfc")).names == ("nfc", "html", "whitespace")
    assert cleaner(("whitespace", "html"))("<p>two&nbsp;&nbsp;words</p>") == "two words"


def test_an_unknown_step_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no cleaning step 'htlm'\n.*did you mean 'html'"):
        cleaner(("htlm",))


def test_each_change_is_told_with_its_step() -> None:
    text, changes = Cleaner(("html", "whitespace")).traced("a  <b>b</b>")
    assert text == "a b"
    assert changes == [("html", "a  <b>b</b>", "a  b"), ("whitespace", "a  b", "a b")]
    assert Cleaner(("html", "whitespace")).traced("a b") == ("a b", [])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("e\u0301", "é"),
        ("\u1112\u1161\u11ab", "한"),
        ("ﬁ ２", "ﬁ ２"),  # compatibility characters are somebody's choice
    ],
)
def test_nfc(text: str, clean: str) -> None:
    assert cleaner(("nfc",))(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("I &lt;#&gt; you &amp;amp; me &quot;&#39;", "I <#> you & me \"'"),
        ("<p>One</p><p>Two<br />three</p>", "One\n\nTwo\nthree"),
        ('<b>bo</b>ld <a href="x?a=1&amp;b">link</a>', "bold link"),
        ("<td>a</td><td>b</td>", " a  b "),
        ("a<!-- <b>no --> b<script type=x>if (a<b) {}</script><STYLE>p{}</STYLE>c", "a bc"),
        ("<!DOCTYPE html><html><head><title>T</title></head>x</html>", "T\n\nx"),
        ("&lt;b&gt;twice&lt;/b&gt;", "twice"),
    ],
)
def test_html_becomes_what_a_reader_sees(text: str, clean: str) -> None:
    assert cleaner(("html",))(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d", "if a<b and c>d", "<3 u", "<user> said <url>", "List<String> x", "arrive at <time>",
        "<link>",
        "->", "AT&T; R&D", "?a=1&copy=2", "john <john@mail.com>", "&unknown;", "<s>", "<!-- never closed",
        "<script> alone",
    ],
)  # fmt: skip
def test_what_only_looks_like_html_stays(text: str) -> None:
    assert cleaner(("html",))(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a \t b  \n\n\n\n c\xa0d \r\n", "a b\n\n c d"),
        ("one\u2028two\u2029three", "one\ntwo\n\nthree"),
        ("text\n```\nx =  1\n\n\n\ny\n```\n a  b", "text\n```\nx =  1\n\n\n\ny\n```\n a b"),
        ("def f():\n    return  1\n\treturn", "def f():\n    return 1\n\treturn"),
        ("　　他说　好", "他说 好"),
    ],
)
def test_white_space_keeps_paragraphs_indentation_and_fenced_code(text: str, clean: str) -> None:
    assert cleaner(("whitespace",))(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x00b\x07\ufeff\u200bc\xadd", "abcd"),
        ("\x93quoted\x94 \x80\x81", "“quoted” €"),
        ("a\x0cb\x1fc", "a\nb c"),
        ("a\u200eb\u202ec", "abc"),  # direction marks without a right-to-left letter
        ("hi\U000e0068\U000e0069", "hi"),  # a text hidden in tag characters
        ("a\u200db", "ab"),
        ("\ud800", "\ufffd"),
        ("שלום\u202eabc", "שלוםabc"),  # an override
    ],
)
def test_what_nobody_sees_goes(text: str, clean: str) -> None:
    assert cleaner(("control",))(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👩🏽\u200d⚕\ufe0f 🙂\u200d↔\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم", "क्\u200dष क्\u200cष", "שלום\u200f (abc)\u200e", "\u2067שלום\u2069", "ភាសា\u200bខ្មែរ",
        "\t\r\n", "𠮷 ẹ̀",
    ],
)  # fmt: skip
def test_invisible_characters_that_a_script_needs_stay(text: str) -> None:
    assert cleaner(("control",))(text) == text


def test_full_width_letters_become_half_width_and_chinese_punctuation_only_on_request() -> None:
    text = "ＡＢＣ１２３＠，你好！　（ｏｋ）"
    assert cleaner(("fullwidth",))(text) == "ABC123@，你好！ （ok）"
    assert cleaner(("fullwidth_punctuation",))(text) == "ABC123@,你好! (ok)"


def test_text_in_the_wrong_encoding_is_mended() -> None:
    pytest.importorskip("ftfy")
    assert cleaner(("mojibake",))("The cafÃ© â€œopenâ€\x9d") == "The café “open”"
    assert cleaner(("mojibake",))("café “open” 你好") == "café “open” 你好"


def test_a_step_whose_library_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.errors import LuthierError

    monkeypatch.setitem(__import__("sys").modules, "ftfy", None)
    with pytest.raises(LuthierError, match=r"luthier\[clean\]"):
        Cleaner(("mojibake",))


def test_steps_that_are_said_to_keep_the_length_keep_it() -> None:
    for text in strings(300, seed=3):
        assert len(cleaner(tuple(KEEPS_LENGTH))(text)) == len(text)


def test_masking_takes_personal_data_away_also_where_markup_hid_them() -> None:
    assert cleaner(("mask", "html"))("write to bo<b>b@mail</b>.com") == "write to [email]"


@pytest.mark.parametrize(
    "text",
    [
        "<" * 200_000, "<b" * 100_000, "<!--" * 50_000, "<script>" * 30_000, "&" * 200_000, "&amp" * 50_000,
        "&" + "amp;" * 50_000,
        "<p " + "a=" * 100_000, "<p " + "a " * 100_000, "<p" + " " * 200_000, "<" * 50_000 + "b>" * 50_000,
        " " * 200_000 + "x",
        "\n" * 200_000 + "x", "```\n" * 50_000, "\u200b" * 200_000, "</b" * 60_000,
    ],
    ids=range(16),
)  # fmt: skip
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    clean = cleaner(("nfc", "html", "control", "whitespace"))
    begin = time.process_time()
    cleaned = clean(text)
    assert time.process_time() - begin < 2
    assert clean(cleaned) == cleaned
