"""What names a person by number is found and masked; what only looks like it is left alone."""

import time

import pytest

from luthier.text.people import masked, personal_data


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to anna.smith+x@mail.example-shop.co.uk.", "email", "anna.smith+x@mail.example-shop.co.uk"),
        ("from john@example.com", "email", "john@example.com"),
        ("邮箱:zhang_san@qq.com请查收", "email", "zhang_san@qq.com"),
        ("ｚ ok＠ qq li@163.com", "email", "li@163.com"),
        ("To claim call09050000327.", "phone", "09050000327"),
        ("call FREEPHONE 0800 169 6031 between", "phone", "0800 169 6031"),
        ("tel +44 (0)20 7946 0958", "phone", "+44 (0)20 7946 0958"),
        ("+447797706009 why wait", "phone", "+447797706009"),
        ("ring (415) 555-2671 today", "phone", "(415) 555-2671"),
        ("or 212-684-4700, please", "phone", "212-684-4700"),
        ("手机18810547705。没送", "phone", "18810547705"),
        ("手机１８８１０５４７７０５。", "phone", "１８８１０５４７７０５"),
        ("请打138-0013-8001", "phone", "138-0013-8001"),
        ("打电话010-51236699客服", "phone", "010-51236699"),
        ("555-123-4567 in the evening", "phone", "555-123-4567"),
        ("电话13800000000。", "phone", "13800000000"),
        ("热线400-820-6666", "phone", "400-820-6666"),
        ("tomorrow.call 67441233 look for irene", "phone", "67441233"),
        ("appelez le 06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("身份证11010519491231002X号", "id-card", "11010519491231002X"),
        ("SSN 536-22-8726", "id-card", "536-22-8726"),
        ("CPF 529.982.247-25", "id-card", "529.982.247-25"),
        ("paid with 4111 1111 1111 1111 today", "card", "4111 1111 1111 1111"),
        ("卡号6222021234567890128。", "card", "6222021234567890128"),
        ("amex 3782-822463-10005", "card", "3782-822463-10005"),
        ("to DE89 3704 0044 0532 0130 00 please", "iban", "DE89 3704 0044 0532 0130 00"),
        ("账户GB29NWBK60161331926819。", "iban", "GB29NWBK60161331926819"),
    ],
)
def test_it_is_found_with_its_place(text: str, kind: str, value: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in personal_data(text)] == [(kind, value)]
    assert masked(text) == text.replace(value, f"[{kind}]")


@pytest.mark.parametrize(
    "text",
    [
        "order 07732584351 has not come",
        "订单号：13800138001还没到",
        "tracking number 4111111111111111",
        "id 1409876543210987654",
        "on 2024-12-20 15:30:00 and 01-12-2024",
        "from 20241220153000 to 20241221",
        "it costs 1,299,000.00 or 3 000 000",
        "pi is 3.14159265358979, a third 0.33333333333333",
        "192.168.100.121 and fe80::1",
        "stamp 1609459200, in ms 1609459200000",
        "version 10.0.19041.1288",
        "barcode 4006381333931, isbn 978-3-16-148410-0",
        "https://shop.com/item/13800138001?x=07732584351",
        "sku A13800138001 and hash 13800138001ab4",
        "the score was 100-99-98, seats 12-34-5678",
        "110105194912310021 has a wrong check digit",
        "4111 1111 1111 1112 as well",
        "DE89 3704 0044 0532 0130 01 too",
        "icon@2x.png, git@github.com, @home, a@b",
        "0123456789 and 11111111111",
        "w11384 w16045 w1262 w2358 w15219",
        "５０００００００００元",
        "+100000000 points",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert personal_data(text) == [] and masked(text) == text


def test_several_in_one_text_come_in_its_order_and_masking_twice_changes_nothing() -> None:
    text = "a@b-c.de, 07946746291/07880867867 and 4111111111111111"
    assert [one.kind for one in personal_data(text)] == ["email", "phone", "phone", "card"]
    once = masked(text)
    assert once == "[email], [phone]/[phone] and [card]" and masked(once) == once


@pytest.mark.parametrize("unit", ["a.", "1 ", "1-", "a@", "+4", "12 34 ", "(", "0-", "AB12", "call "])
def test_a_long_hostile_text_takes_no_long_time(unit: str) -> None:
    start = time.perf_counter()
    personal_data(unit * 50_000 + "x@y")
    assert time.perf_counter() - start < 2
