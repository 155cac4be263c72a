"""By time: the earliest rows train, the next choose the checkpoint, the latest judge. How a time may be written."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.language import t


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as it was written. day_first, month_first: seconds since 1970 under either reading of 03/04/2024, None
    where it cannot be read so; equal where there is only one. is_number: nothing but a number, such as 17."""

    written: str
    day_first: float | None
    month_first: float | None
    is_number: bool = False


_DATE = re.compile(
    r"(\d{4})\s?[-/.年년]\s?(\d{1,2})(?:\s?[-/.月월]\s?(\d{1,2})\s?[日号일]?|\s?[月월])?(?!\d)(?:\s*\(?[星周]期?[一二三四五六日天]\)?)?"
)
_TURNED = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_DAY, _NAME = r"(\d{1,2})(?:st|nd|rd|th)?", r"([A-Za-z]{3,9})\.?"
_WORDED = re.compile(rf"(?:[A-Za-z]{{3,9}}\.?,?\s+)?(?:{_DAY}[\s-]+{_NAME}|{_NAME}\s+{_DAY}),?[\s-]+(\d{{4}})(?!\d)")
_C_TIME = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) +(\d{1,2}) (\d\d:\d\d:\d\d)( [+-]\d{4}| [A-Z]{3,4})? (\d{4})")
_QUARTER = re.compile(r"(\d{4})[-\s]?[Qq]([1-4])")
_CLOCK = re.compile(
    r"(上午|下午|晚上|中午|凌晨|早上)?\s?(\d{1,2})[:时時点](?:(\d{1,2})(?:[:分](?:(\d{1,2})(?:[.,](\d{1,9}))?)?秒?)?)?"
    r"\s?([AaPp]\.?[Mm]\.?)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AFTERNOON = {"下午", "晚上", "中午"}
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", ", %H:%M", ", %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From so many on a number counts nano-, micro- or milliseconds since 1970: as seconds it would be the year 5138."""


def read_stamp(value: Any, place: Place, pattern: str | None = None) -> Stamp:
    """value: of a cell. pattern: as strptime has it, where the user says how times are written.

    Errors: DataError for what is no time.
    """
    written = str(value).strip() if value is not None else ""
    if not written or written.lower() in ("nan", "nat", "none", "null"):
        fix = t("fill it in, or split at random: data.split.time= data.split.by=random")
        raise DataError.at(place, t("no time"), fix, code="missing-time")
    stamp = _with_pattern(written, pattern) if pattern else _read(value, written)
    if stamp is None:
        what = t("{value} is no time", value=shown(written))
        fix = t("write it as 2024-05-31 14:00, or say how times are written, such as data.split.time_format=%d.%m.%Y")
        raise DataError.at(place, what, fix, code="bad-time")
    return stamp


def seconds(stamps: Sequence[Stamp], places: Sequence[Place]) -> list[float]:
    """Seconds since 1970 of each; times without a zone count as UTC. Plain numbers, such as a running count, are
    taken as they are where the whole column is made of them.

    Errors: DataError where 03/04/2024 could be of March or of April and no other row tells, or where one row tells
    this and another that, or where numbers stand among dates.
    """
    numbers = sum(stamp.is_number for stamp in stamps)
    if 0 < numbers < len(stamps):
        few = [p for s, p in zip(stamps, places, strict=True) if s.is_number == (2 * numbers <= len(stamps))]
        what = t("some times are numbers, some are dates")
        raise DataError.at(few[0], what, t("write all of them alike"), code="mixed-times", also=few[1:])
    only_day = [i for i, s in enumerate(stamps) if s.month_first is None]
    only_month = [i for i, s in enumerate(stamps) if s.day_first is None]
    if only_day and only_month:
        a, b = only_day[0], only_month[0]
        what = t("{first} begins with the day, {second} with the month",
                 first=shown(stamps[a].written), second=shown(stamps[b].written))  # fmt: skip
        fix = t("write all of them alike")
        raise DataError.at(places[a], what, fix, code="mixed-times", also=(places[b],))
    if not only_day and not only_month:
        open_row = next((i for i, s in enumerate(stamps) if s.day_first != s.month_first), None)
        if open_row is not None:
            what = t("{value}: is the day or the month first? no row tells", value=shown(stamps[open_row].written))
            ways = " | ".join(f"data.split.time_format={way}" for way in _patterns(stamps[open_row].written))
            raise DataError.at(places[open_row], what, t("say which: {ways}", ways=ways), code="ambiguous-time")
    return [(s.month_first if only_month else s.day_first) or 0.0 for s in stamps]


def by_time(seconds_N: Sequence[float], test: float, validation: float) -> list[int]:
    """The part of each row, as an index into PARTS. Rows of one time stay together: a border lies between two times,
    as near as may be to where the shares want it. A part is empty where the times are too few."""
    count = len(seconds_N)
    times = sorted(set(seconds_N))
    before: list[int] = []
    earlier = 0
    held: dict[float, int] = {}
    for second in seconds_N:
        held[second] = held.get(second, 0) + 1
    for time in times:
        before.append(earlier)
        earlier += held[time]
    wanted_test = max(1, math.ceil(test * count)) if test else 0
    wanted_validation = max(1, round(validation * count)) if validation else 0
    # a border at b: times[:b] come before it; each part keeps at least one time where there are enough
    parts_after = (test > 0) + (validation > 0)
    late = _border(before, count - wanted_test, parts_after, len(times) - 1) if test else len(times)
    early = late
    if validation:
        early = _border(before, count - wanted_test - wanted_validation, 1, late - 1)
    number = {time: (2 if i >= late else 1 if i >= early else 0) for i, time in enumerate(times)}
    return [number[second] for second in seconds_N]


def _border(before: Sequence[int], wanted: int, lowest: int, highest: int) -> int:
    """The index of a time, from lowest to highest, before which most nearly `wanted` rows lie."""
    possible = range(lowest, highest + 1) or range(max(0, highest), max(0, highest) + 1)
    return min(possible, key=lambda b: (abs(before[b] - wanted) if b < len(before) else math.inf, b))


def _read(value: Any, written: str) -> Stamp | None:
    if isinstance(value, datetime):
        return _same(written, _since(value))
    if isinstance(value, date):
        return _same(written, _since(datetime(value.year, value.month, value.day)))
    text = unicodedata.normalize("NFKC", written).strip()
    if _NUMBER.fullmatch(text):
        return _number(text)
    for read in (_iso, _year_first, _quarter, _c_time, _worded):
        if (found := _tried(read, text)) is not None:
            return _same(written, found)
    if match := _TURNED.match(text):
        a, b, year = int(match[1]), int(match[3]), int(match[4])
        year += (2000 if year < 70 else 1900) if len(match[4]) == 2 else 0
        rest = text[match.end() :]
        day_first = _tried(lambda rest: _at(year, b, a, rest), rest)
        month_first = _tried(lambda rest: _at(year, a, b, rest), rest)
        return None if day_first is None and month_first is None else Stamp(written, day_first, month_first)
    return None


def _tried(read: Any, text: str) -> float | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _same(written: str, found: float, is_number: bool = False) -> Stamp:
    return Stamp(written, found, found, is_number)


def _number(text: str) -> Stamp:
    """20240531, 20240531140000, epoch seconds or parts of them; any other number as it stands."""
    if text.isdigit() and len(text) in (8, 14):
        try:
            return _same(text, _since(datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M%S")))
        except ValueError:
            pass
    value = float(text)
    for least, unit in _EPOCH_UNITS:
        if abs(value) >= least:
            return _same(text, value / unit)
    return _same(text, value, is_number=abs(value) < 1e8)


def _iso(text: str) -> float | None:
    return _since(datetime.fromisoformat(text))


def _patterns(written: str) -> tuple[str, str]:
    """What 03/04/2024 14:00 is to strptime, with the day first and with the month, as a shell takes it. Where the time
    of day is written in a way that it does not know, the date alone."""
    match = _TURNED.match(written)
    mark, year = (match[2], "%Y" if len(match[4]) == 4 else "%y") if match else ("/", "%Y")
    day, month = f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}"
    clock = next((clock for clock in _CLOCKS if _with_pattern(written, day + clock)), "")
    mark = "'" if " " in clock else ""
    return f"{mark}{day}{clock}{mark}", f"{mark}{month}{clock}{mark}"


def _year_first(text: str) -> float | None:
    match = _DATE.match(text)
    return _at(int(match[1]), int(match[2]), int(match[3] or 1), text[match.end() :]) if match else None


def _quarter(text: str) -> float | None:
    match = _QUARTER.fullmatch(text)
    return _at(int(match[1]), 3 * int(match[2]) - 2, 1, "") if match else None


def _c_time(text: str) -> float | None:
    """Wed May 01 14:00:00 +0000 2024, as C and Twitter write."""
    match = _C_TIME.fullmatch(text)
    return _at(int(match[5]), _month(match[1]), int(match[2]), f" {match[3]}{match[4] or ''}") if match else None


def _worded(text: str) -> float | None:
    """1 May 2024, May 1st, 2024, 01-May-2024."""
    match = _WORDED.match(text)
    if match is None:
        return None
    return _at(int(match[5]), _month(match[2] or match[3]), int(match[1] or match[4]), text[match.end() :])


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _at(year: int, month: int, day: int, rest: str) -> float | None:
    """rest: what stands behind the date; None where it is no time of day."""
    moment = datetime(year, month, day)
    rest = rest.strip().removeprefix("T").removeprefix(",").removeprefix("at ").strip()
    if not rest:
        return _since(moment)
    match = _CLOCK.fullmatch(rest)
    if match is None:
        return None
    hour, fraction = int(match[2]), float(f"0.{match[5]}") if match[5] else 0.0
    half = (match[6] or "").lower().replace(".", "")
    if hour < 12 and (half == "pm" or match[1] in _AFTERNOON):
        hour += 12
    elif hour == 12 and (half == "am" or match[1] == "凌晨"):
        hour = 0
    days, hour = divmod(hour, 24) if (match[3] or "0").strip("0") == "" and hour == 24 else (0, hour)
    moment = moment.replace(hour=hour, minute=int(match[3] or 0), second=int(match[4] or 0), tzinfo=_zone(match[7]))
    return _since(moment + timedelta(days=days)) + fraction


def _zone(written: str | None) -> tzinfo:
    if written is None or not written.startswith(("+", "-")):
        return UTC
    digits = written[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if written[0] == "-" else shift)


def _since(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _with_pattern(written: str, pattern: str) -> Stamp | None:
    try:
        return _same(written, _since(datetime.strptime(written, pattern)))
    except ValueError:
        return None
