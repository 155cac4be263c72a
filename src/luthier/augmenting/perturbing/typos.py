"""Slips of the hand: a neighbouring key, two letters swapped, one left out or struck twice; in Chinese another
character of the same sound, as input methods offer it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier.text.words import units

SHARE = 0.1
"""Of the words, or of the characters that have a homophone; at least one of each text that has any."""
_LEAST_LETTERS = 4
"""Shorter words are rarely mistyped, and hardly known again when they are."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

# Common characters that sound alike but for the tone, none of which turns a sentence round. Checked against the
# readings of pypinyin 0.55: the characters of a group have one in common.
_SOUNDS = """
他她它 在再 的得地 做作坐座 是事市试室 那哪 以已意亿 和河合 有友又右 到道 这着 时十实食 会回汇 后候 很狠
前钱 里理礼李 吗妈马嘛 八吧把 就九旧 近进尽 先线现 心新信 请情清 期其起气 请轻 知只之直 住主注祝 从丛
还孩 快块 话化画 像向象相 想响 样羊洋 点店电 天添 见间件建 看刊 可客课 来赖 老劳 了乐 力利立历 量亮两 零另灵
路录陆 码马 面免棉 明名鸣 目木幕 拿哪纳 年念 平评瓶 期妻 前签 去取趣 全权 人认任 如入 三散 上尚 少绍 身深神
生声升 师十诗 收手首受 书输数 水睡 说硕 四死似 送松 算酸 所锁 太态 题提体 听厅 同通痛 图土 外歪 完玩晚 位为味
文问闻 我握 五物 西吸希 喜洗 下夏 小笑校 些写谢 行形型 姓性幸 需须许 学雪 言研严 眼演 要药 也夜业 一衣医
因音阴 用永泳 由油游 于鱼雨语 元员原园 远院 月越约 云运 张章 长常 照找 真针 正整证 中钟终 重种众 周州
字自子 走奏 最嘴 昨做 左佐 订定 带戴待代 单担 弹谈 动懂 对队 多夺 发法 反饭返 方房放 费飞 分份 风封 服福付
高告 个各 给级 公工功 更梗 够狗购 关管官 贵柜 过果国 海害 好号 何合盒 红洪 户护湖 花华划 坏怀 换还缓 黄慌 货活火
机鸡几 家加价假 教交叫较 接街节 今金紧 经精京 酒久 开凯 考靠 口扣 苦哭 拉啦 蓝兰栏 离梨 连联脸 留流 满慢 毛猫
每妹 门们 米密 南男难 牛扭 拍排 跑泡 朋碰 便变边 片偏 票飘 品拼 期七 亲轻 秋球 热惹 容荣 肉柔 色涩 沙傻
山删 烧少 式视 适释 树术 帅摔 双爽 丝思司 速素诉 随岁 她塔 汤躺 特忒 条跳 铁贴 停挺 投头 退推 碗晚 望忘网 卫喂
温稳 洗习 先鲜 香箱 消效 鞋协 辛欣 修休 选宣 烟盐 阳养 爷叶 移姨 银引 英应 邮由 愉鱼 预遇 愿院 赞暂
脏葬 站占 招找 这浙 政整 纸指 志治 煮主 转专 装壮 追坠 准谆 桌捉 总宗 租足 嘴醉 尊遵
"""


def typos(text: str, rng: np.random.Generator) -> str:
    """In words of Latin letters."""
    words = units(text)
    eligible = [i for i, word in enumerate(words) if sum(_is_letter(c) for c in word) >= _LEAST_LETTERS]
    for i in _drawn(eligible, rng):
        words[i] = _mistyped(words[i], rng)
    return _joined(words, text)


def homophones(text: str, rng: np.random.Generator) -> str:
    """Of Chinese characters."""
    characters = list(text)
    for i in _drawn([i for i, c in enumerate(characters) if c in _ALIKE], rng):
        characters[i] = str(rng.choice(_ALIKE[characters[i]]))
    return "".join(characters)


def _drawn(eligible: list[int], rng: np.random.Generator) -> list[int]:
    if not eligible:
        return []
    count = max(1, int(rng.binomial(len(eligible), SHARE)))
    return sorted(rng.choice(eligible, count, replace=False).tolist())


def _mistyped(word: str, rng: np.random.Generator) -> str:
    """The first letter stays: it is the one that is looked at."""
    letters = [i for i, c in enumerate(word) if _is_letter(c)][1:]
    slips: list[Callable[[str, int, np.random.Generator], str]] = [_neighbour, _swapped, _dropped, _doubled]
    for number in rng.permutation(len(slips)):
        found = slips[number](word, int(rng.choice(letters)), rng)
        if found != word:
            return found
    return word


def _neighbour(word: str, i: int, rng: np.random.Generator) -> str:
    key = str(rng.choice(_KEYS[word[i].lower()]))
    return word[:i] + (key.upper() if word[i].isupper() else key) + word[i + 1 :]


def _swapped(word: str, i: int, rng: np.random.Generator) -> str:
    if i + 1 >= len(word) or not _is_letter(word[i + 1]):
        return word
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _dropped(word: str, i: int, rng: np.random.Generator) -> str:
    return word[:i] + word[i + 1 :]


def _doubled(word: str, i: int, rng: np.random.Generator) -> str:
    return word[:i] + word[i] + word[i:]


def _is_letter(character: str) -> bool:
    return character.lower() in _KEYS


def _joined(words: list[str], text: str) -> str:
    return "".join(words) + text[len(text.rstrip()) :]


def _beside() -> dict[str, list[str]]:
    """Of each key those that it touches."""
    found: dict[str, list[str]] = {}
    for r, row in enumerate(_ROWS):
        for i, key in enumerate(row):
            places = [(r, i - 1), (r, i + 1), (r - 1, i), (r - 1, i + 1), (r + 1, i - 1), (r + 1, i)]
            found[key] = [_ROWS[y][x] for y, x in places if 0 <= y < len(_ROWS) and 0 <= x < len(_ROWS[y])]
    return found


def _same_sound() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group in _SOUNDS.split():
        for character in group:
            others = found.setdefault(character, [])
            others += [other for other in group if other != character and other not in others]
    return found


_KEYS, _ALIKE = _beside(), _same_sound()
