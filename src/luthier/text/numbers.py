"""Does a number have the check digits and the build of an identity card, a bank card or an account?"""

from __future__ import annotations

from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_PROVINCES = {
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
}  # fmt: skip
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GE": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IS": 26, "IT": 27, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
}  # fmt: skip
"""Of the registry of ISO 13616."""
_CARDS = (
    (4, 4, (16,)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (6011, 6011, (16,)),
    (644, 659, (16,)),
    (3528, 3589, (16,)),
    (300, 305, (14,)),
    (36, 36, (14,)),
    (38, 39, (14,)),
    (62, 62, (16, 17, 18, 19)),
)
"""First and last prefix of an issuer, and its lengths: Visa, Mastercard (two), American Express (two), Discover (two),
JCB, Diners (three), UnionPay. Visa's 13 digits, no longer issued, look like a bar code."""


def is_chinese_id(it: str) -> bool:
    """Eighteen characters of GB 11643: a province, a date of birth, and the check by ISO 7064 MOD 11-2."""
    if it[:2] not in _PROVINCES:
        return False
    try:
        born = date(int(it[6:10]), int(it[10:12]), int(it[12:14]))
    except ValueError:
        return False
    check = sum(int(digit) * weight for digit, weight in zip(it, _ID_WEIGHTS, strict=False)) % 11
    return 1900 <= born.year < 2100 and _ID_CHECKS[check] == it[17].upper()


def is_us_security_number(it: str) -> bool:
    """ddd-dd-dddd without the areas, groups and serials that were never given out (SSA, 2011)."""
    area, group, serial = it.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_brazilian_id(digits: str) -> bool:
    """Eleven digits of a CPF, the last two of which are checks modulo 11."""
    numbers = [int(digit) for digit in digits]
    for n in (9, 10):
        check = sum(number * (n + 1 - i) for i, number in enumerate(numbers[:n])) * 10 % 11 % 10
        if check != numbers[n]:
            return False
    return len(set(numbers)) > 1


def is_bank_card(digits: str) -> bool:
    """An issuer's prefix and length, and the check by Luhn (ISO/IEC 7812-1)."""
    known = any(first <= int(digits[: len(str(first))]) <= last and len(digits) in lengths
                for first, last, lengths in _CARDS)  # fmt: skip
    return known and len(set(digits)) > 1 and _luhn(digits)


def is_iban(it: str) -> bool:
    """The country's length and the check by ISO 7064 MOD 97-10."""
    if _IBAN_LENGTHS.get(it[:2]) != len(it):
        return False
    return int("".join(str(int(c, 36)) for c in it[4:] + it[:4])) % 97 == 1


def _luhn(digits: str) -> bool:
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if i % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
