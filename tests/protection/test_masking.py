"""What masks show: the shapes of JR/T 0171, and never nearly everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip.options.v1.options_pb2 import (
    MASK_ADDRESS,
    MASK_CARD,
    MASK_IDENTITY_NUMBER,
    MASK_NAME,
    MASK_NONE,
    MASK_PHONE,
    MASK_UNSPECIFIED,
    Mask,
)
from fingertip_server.protection.masking import mask

HIDING = [kind for kind in Mask.values() if kind not in (MASK_NONE, MASK_ADDRESS)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("王小明", "王**"),
        ("王明", "王*"),
        ("欧阳娜娜", "欧***"),
        ("王", "*"),
        ("𠮷田太郎", "𠮷***"),
        ("阿依古丽·买买提", "阿***·***"),
        ("John Smith", "J*** *****"),
        ("e\u0301mile", "é****"),
        ("  王小明 ", "王**"),
        ("", ""),
    ],
)
def test_of_a_name_one_character_stays(text: str, shown: str) -> None:
    assert mask(MASK_NAME, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("6225881414207430", "622588******7430"),
        ("6225 8814 1420 7430", "622588******7430"),
        ("6227007200120897790", "622700*********7790"),
        ("110123456789", "1**********9"),
        ("", ""),
    ],
)
def test_of_a_card_six_and_four_digits_stay(text: str, shown: str) -> None:
    assert mask(MASK_CARD, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("11010519491231002X", "110***********002X"),
        ("110105491231002", "110********1002"),
        ("E12345678", "E*******8"),
        ("H60012345", "H*******5"),
    ],
)
def test_of_an_identity_number_the_ends_stay(text: str, shown: str) -> None:
    assert mask(MASK_IDENTITY_NUMBER, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("008613812345678", "138****5678"),
        ("(010) 6612 3456", "010****3456"),
        ("+852 9123 4567", "+85*****4567"),
        ("95588", "9***8"),
    ],
)
def test_of_a_phone_number_three_and_four_digits_stay(text: str, shown: str) -> None:
    assert mask(MASK_PHONE, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("北京市朝阳区建国路88号", "北京市朝阳区****"),
        ("广东省深圳市南山区科技园路1号", "广东省深圳市南山区****"),
        ("江苏省苏州市昆山市玉山镇人民路5号", "江苏省苏州市昆山市****"),
        ("新疆维吾尔自治区乌鲁木齐市天山区解放路2号", "新疆维吾尔自治区乌鲁木齐市天山区****"),
        ("内蒙古自治区呼伦贝尔市鄂温克族自治旗", "内蒙古自治区呼伦贝尔市鄂温克族自治旗"),
        ("云南省大理白族自治州大理市古城1号", "云南省大理白族自治州大理市****"),
        (
            "甘肃省临夏回族自治州积石山保安族东乡族撒拉族自治县吹麻滩镇",
            "甘肃省临夏回族自治州积石山保安族东乡族撒拉族自治县****",
        ),
        ("香港特别行政区中西区皇后大道9号", "香港特别行政区中西区****"),
        ("上海市浦东新区花木市场路3号", "上海市浦东新区****"),
        ("江苏省镇江市京口区中山路1号", "江苏省镇江市京口区****"),
        ("江苏省南京市鼓楼区汉口路22号", "江苏省南京市鼓楼区****"),
        ("河北省唐山市路南区新华道1号", "河北省唐山市路南区****"),
        ("朝阳区建国路88号", "朝阳区****"),
        ("北京市建国路88号幸福小区3号楼", "北京市****"),
        ("北京市建国路幸福小区3号楼", "北京市****"),
        ("建国路88号", "****"),
        ("10 Downing Street, London", "****"),
        ("", ""),
    ],
)
def test_of_an_address_the_district_stays(text: str, shown: str) -> None:
    assert mask(MASK_ADDRESS, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("wang@example.com", "w**************m"), ("ab", "**"), ("abc", "a*c")]
)
def test_of_anything_else_the_first_and_the_last_character_stay(text: str, shown: str) -> None:
    assert mask(MASK_UNSPECIFIED, text) == shown


def test_what_needs_no_mask_stays_whole() -> None:
    assert mask(MASK_NONE, "稳健型") == "稳健型"


def test_every_mask_of_the_contract_is_known() -> None:
    for kind in Mask.values():
        assert isinstance(mask(kind, "6225881414207430"), str)


@pytest.mark.parametrize("kind", HIDING, ids=Mask.Name)
@given(text=st.text(max_size=40))
def test_no_mask_shows_more_than_two_thirds(kind: Mask.ValueType, text: str) -> None:
    shown = mask(kind, text)
    separators = sum(char in " ·" for char in shown)
    visible = sum(char != "*" for char in shown) - separators
    assert visible * 3 <= max(len(shown), 1) * 2
