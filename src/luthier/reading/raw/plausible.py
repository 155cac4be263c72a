"""Which reading of the same bytes makes sense: how usual the characters are where they stand.

A wrong reading is not impossible, it is strange: rare ideographs, signs inside words, capitals behind small letters.
The weights are nats (natural logarithm of how much likelier a character is in a right reading than in a wrong one),
rounded from counts over Chinese, Spanish and French corpora read rightly and wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_OFTEN, _USUAL, _FOREIGN, _RARE, _STRANGE = 2.0, 0.6, -0.5, -1.5, -4.0

_SIMPLIFIED = frozenset(
    "的了是不一有在个人好我大送和很时以中为到年这还来点上没国小可用子生吃也就能都多要么下后本成会家太度于出分道间地学他过发行们新"
    "说对开最定次电面高天日给方自动里图错快得作味机比外美务房公什价看两月之现将店其服前全员而书与理法被名经但数三主常菜心特金西业"
    "少感如工重实等长元加量物通单第体并意然部事文提力性差打所入种真品东网因别肉市话去及更起平进果使当再同内合慢无基建非想手系只车"
    "水关期应你计包些场解化考海觉样利结问情总者速才女线区位题或买台组正半二产回那它色住任语保收口世此级安路表做订单据退款货发票"
)
_TRADITIONAL = frozenset(
    "的了是不一有在個人好我大送和很時以中為到年這還來點上沒國小可用子生吃也就能都多要麼下後本成會家太度於出分道間地學他過發行們新"
    "說對開最定次電面高天日給方自動裡圖錯快得作味機比外美務房公什價看兩月之現將店其服前全員而書與理法被名經但數三主常菜心特金西業"
    "少感如工重實等長元加量物通單第體並意然部事文提力性差打所入種真品東網因別肉市話去及更起平進果使當再同內合慢無基建非想手系只車"
    "水關期應你計包些場解化考海覺樣利結問情總者速才女線區位題或買台組正半二產回那它色住任語保收口世此級安路表做訂單據退款貨發票"
)
_JAPANESE = frozenset(
    "日一人年大本中長出時行見月分後前生間上東今入学高子外来気話書名山千手国会社者事業的方用作品新自動場合家物心店食味料金注文商"
)
_CJK_MARKS = frozenset("，。！？、；：“”‘’（）《》【】「」『』・…—～　％")
_WESTERN = (
    "éèêëàâçîïôùûüœæÉÈÊÀÂÇÎÔŒ",
    "äöüßÄÖÜéè",
    "áéíñóúüÁÉÍÑÓÚçàèòï",
    "ãõáàâçéêíóôúüÃÕÁÀÂÇÉÊÍÓÔÚ",
    "åäöæøéÅÄÖÆØÉ",
    "áéíóúýðþæöÁÉÍÓÚÝÐÞÆÖ",
    "àèéìòùÀÈÉÌÒÙ",
    "éëïöüèêáóúíÉËÏ",
)
_CENTRAL = (
    "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "áčďéěíňóřšťúůýžľôäÁČĎÉĚÍŇÓŘŠŤÚŮÝŽĽ",
    "áéíóöőúüűÁÉÍÓÖŐÚÜŰ",
    "čćđšžČĆĐŠŽ",
    "ăâîşţĂÂÎŞŢ",
)
"""Letters beyond ASCII, a language or family a line: French, German, Spanish and Catalan, Portuguese, Nordic,
Icelandic, Italian, Dutch; Polish, Czech and Slovak, Hungarian, South Slavic, Romanian."""
_WORDS = frozenset("àÀáÁâåÅéÉèÈêëöÖóÓôúÚæøùíÍ")
"""Letters that are words by themselves somewhere."""
_LATIN_MARKS = "“”„‘’–—…«»€£§©®™°·•¿¡\xa0ªº½²"


@dataclass(frozen=True)
class Model:
    """How texts of one kind look. weigh: of a character and the two beside it, in nats."""

    weigh: Callable[[str, str, str], float]

    def score(self, text: str) -> tuple[float, int]:
        """The sum of the weights of all characters beyond ASCII, in nats, and how many there are."""
        total, count = 0.0, 0
        for match in _BEYOND_ASCII.finditer(text):
            at = match.start()
            total += self.weigh(text[at], text[at - 1] if at else " ", text[at + 1 : at + 2] or " ")
            count += 1
        return total, count


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _ideographs(often: frozenset[str], levels: Callable[[str], int]) -> Callable[[str, str, str], float]:
    """levels: 1 for a character of the everyday part of the set, 2 for one of the rest, 0 for any other."""

    def weigh(character: str, before: str, behind: str) -> float:
        if character in often:
            return _OFTEN
        if character in _CJK_MARKS:
            return 1.0
        level = levels(character)
        alone = before.isascii() and before.isalpha() and behind.isascii() and behind.isalpha()
        return _STRANGE if alone or not level else (_USUAL if level == 1 else _RARE)

    return weigh


def _level(codec: str, first: int, last: int, end: int) -> Callable[[str], int]:
    """By the lead byte: everyday characters lie from first to last, rarer ones go on to end."""

    def level(character: str) -> int:
        try:
            code = character.encode(codec)
        except UnicodeError:
            return 0
        if len(code) != 2 or not "\u4e00" <= character <= "\u9fff":
            return 1 if "\uff01" <= character <= "\uff5e" else 0
        return 1 if first <= code[0] <= last else 2 if code[0] <= end else 0

    return level


def _japanese(codec: str, first: int, last: int) -> Callable[[str, str, str], float]:
    kanji = _ideographs(_JAPANESE, _level(codec, first, last, 0xFF))

    def weigh(character: str, before: str, behind: str) -> float:
        if "\u3041" <= character <= "\u30ff":
            return _OFTEN
        return _RARE if "\uff61" <= character <= "\uff9f" else kanji(character, before, behind)

    return weigh


_HANGUL = frozenset(
    "이다는을가에의도로하고한지서기사시어자아니었습해요은인대제그나를보수것있않부정전주상면만라일리게들과년우여원장구중성세스비할동방문없"
    "안되내오모무화신경조공실배송환불품객립세감심빨늦너다음또좋맛"
)


def _korean(character: str, before: str, behind: str) -> float:
    if character in _HANGUL:
        return _OFTEN
    if "\uac00" <= character <= "\ud7a3":
        return _USUAL
    return 1.0 if character in _CJK_MARKS else _STRANGE


def _latin(letters: str, family: Sequence[str] = ()) -> Callable[[str, str, str], float]:
    """Latin with accents: such letters stand among plain ones, and signs do not. family: letters of the languages of
    the same encoding, from which names come."""
    known, kin = frozenset(letters), frozenset("".join(family))

    def weigh(character: str, before: str, behind: str) -> float:
        plain = (before.isascii() and before.isalpha()) + (behind.isascii() and behind.isalpha())
        if not character.isalpha() or character in "ªº":
            if character not in _LATIN_MARKS:
                return _STRANGE
            return _STRANGE if plain == 2 and character not in "’–—·\xa0" else 0.8
        if before.islower() and character.isupper():
            return _STRANGE
        if character not in known:
            return _FOREIGN if character in kin else _RARE
        if plain:
            return _OFTEN if plain == 2 else 1.5
        alone = before.isascii() and behind.isascii()
        return (1.5 if character in _WORDS else _RARE) if alone else 0.0

    return weigh


def _alphabet(first: str, last: str, often: str, extra: str = "") -> Callable[[str, str, str], float]:
    """Another alphabet: whole words of it, small letters behind capitals and not the other way round."""

    def weigh(character: str, before: str, behind: str) -> float:
        if not (first <= character <= last or character in extra):
            return 0.3 if character in "«»“”„–—№’…\xa0" else _STRANGE
        if (before.islower() and character.isupper()) or (before.isascii() and before.isalpha()):
            return _STRANGE
        place = often.find(character.lower())
        return _RARE if place < 0 else 1.2 if place < 10 else 0.0

    return weigh


_RUSSIAN = "оеаинтсрвлкмдпугяызбйьчхжцшюэфщъё"
MODELS: dict[str, tuple[Model, ...]] = {
    "gb18030": (Model(_ideographs(_SIMPLIFIED, _level("gb2312", 0xB0, 0xD7, 0xF7))),),
    "big5": (Model(_ideographs(_TRADITIONAL, _level("big5", 0xA4, 0xC6, 0xF9))),),
    "cp932": (Model(_japanese("cp932", 0x88, 0x97)),),
    "euc_jp": (Model(_japanese("euc_jp", 0xB0, 0xCF)),),
    "cp949": (Model(_korean),),
    "cp1252": tuple(Model(_latin(letters, _WESTERN)) for letters in _WESTERN),
    "cp1250": tuple(Model(_latin(letters, _CENTRAL)) for letters in _CENTRAL),
    "cp1254": (Model(_latin("çğıöşüâîûÇĞİÖŞÜ")),),
    "cp1251": (Model(_alphabet("А", "я", _RUSSIAN, "ёЁіїєґІЇЄҐ")),),
    "koi8_r": (Model(_alphabet("А", "я", _RUSSIAN, "ёЁ")),),
    "cp1253": (Model(_alphabet("Ά", "ώ", "ατοιενρσκηπςυμλίόάγέδήωχθύώφβξζψ")),),
    "cp1255": (Model(_alphabet("א", "ת", "יוהלרבתמאשנעםדקחפסכגטצןזךףץ")),),
    "cp1256": (Model(_alphabet("ء", "ي", "اليمونرتبةعدسفهكقأحجشطصىخإذضغئزثظءؤآ", "پچژگ،؛؟")),),
    "cp874": (Model(_alphabet("ก", "๛", "านรอกเงมยลวดทสตะปบคหแจพชขใไโัิี่้็์ึืุูำผฟถซฉญณธภศษฝฮฬฤ")),),
}
"""By Python's name of the encoding, the one to be pasted, how texts in it look: a model a language or family."""
COMMON = {"gb18030": 2.0, "cp1252": 2.0}
"""Nats by which these are likelier before a byte was seen."""
