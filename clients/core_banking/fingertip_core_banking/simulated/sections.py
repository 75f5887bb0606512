"""What the simulated bank knows of a customer: derived from his number, the same on every day.

Only the booking dates move with the calendar, so that recent transactions stay recent.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from google.type.date_pb2 import Date

from fingertip.customer.v1 import customer_view_pb2 as view
from fingertip_core_banking.simulated import accounts, amounts, draws

_OCCUPATIONS = ("教师", "工程师", "医生", "个体工商户", "公司职员", "公务员", "会计", "退休人员")
_PRODUCTS = (
    "定期存款(一年)",
    "定期存款(三年)",
    "大额存单",
    "稳健理财·季添利",
    "平衡理财·年年盈",
    "积存金",
)
_MOVEMENTS = (
    ("代发工资", 1),
    ("他行转入", 1),
    ("理财到期", 1),
    ("超市消费", -1),
    ("水电煤缴费", -1),
    ("转账汇款", -1),
    ("信用卡还款", -1),
    ("保险缴费", -1),
)
_PREFERENCES = (
    "偏好低风险产品",
    "偏好一年以内期限",
    "常用手机银行",
    "关注贵金属",
    "重视保本",
    "愿意面谈",
)
_INTENTIONS = ("子女教育金", "购置住房", "养老规划", "资产配置", "外币兑换", "提升信用卡额度")
_HISTORY_DAYS = 90
_CENTS = 100


def section(
    customer_number: str, kind: view.SectionKind.ValueType, card_bin: str, today: date
) -> view.SectionContent:
    """Returns one part of a customer's view; raises `KeyError` for a kind it does not know."""
    return _MAKERS[kind](customer_number, card_bin, today)


def _profile(number: str, _card_bin: str, today: date) -> view.SectionContent:
    since = date(1995, 1, 1) + timedelta(days=draws.number(10_000, number, "since"))
    assessed = today - timedelta(days=draws.number(500, number, "assessed"))
    return view.SectionContent(
        profile=view.Profile(
            occupation=draws.choice(_OCCUPATIONS, number, "occupation"),
            customer_since=_date(since),
            risk_level=f"C{1 + draws.number(5, number, 'risk')}",
            # Some have run out, as in life: an assessment holds for a year.
            risk_valid_until=_date(assessed + timedelta(days=364)),
        )
    )


def _holdings(number: str, card_bin: str, _today: date) -> view.SectionContent:
    cents = {"活期存款": 100 + draws.number(20_000_000, number, "current")}
    for index in range(draws.number(4, number, "products")):
        product = draws.choice(_PRODUCTS, number, "product", index)
        cents[product] = _CENTS * (1_000 + draws.number(500_000, number, "value", index))
    largest_first = sorted(cents.items(), key=lambda held: -held[1])
    return view.SectionContent(
        holdings=view.Holdings(
            holdings=[
                view.Holdings.Holding(
                    product_name=product,
                    account_number=_account(number, card_bin, product),
                    balance=amounts.money(amount),
                )
                for product, amount in largest_first
            ]
        )
    )


def _transactions(number: str, card_bin: str, today: date) -> view.SectionContent:
    days_ago = sorted(
        draws.number(_HISTORY_DAYS, number, "day", index)
        for index in range(5 + draws.number(16, number, "transactions"))
    )
    account = _account(number, card_bin, "活期存款")
    transactions = []
    for index, days in enumerate(days_ago):
        description, sign = draws.choice(_MOVEMENTS, number, "movement", index)
        cents = sign * (100 + draws.number(2_000_000, number, "amount", index))
        transactions.append(
            view.Transactions.Transaction(
                booking_date=_date(today - timedelta(days=days)),
                description=description,
                amount=amounts.money(cents),
                account_number=account,
            )
        )
    return view.SectionContent(transactions=view.Transactions(transactions=transactions))


def _preferences(number: str, _card_bin: str, _today: date) -> view.SectionContent:
    return view.SectionContent(
        preferences=view.Preferences(preferences=_some(_PREFERENCES, number, "preferences"))
    )


def _intentions(number: str, _card_bin: str, _today: date) -> view.SectionContent:
    return view.SectionContent(
        intentions=view.Intentions(intentions=_some(_INTENTIONS, number, "intentions"))
    )


_MAKERS: Mapping[view.SectionKind.ValueType, Callable[[str, str, date], view.SectionContent]] = (
    MappingProxyType(
        {
            view.SECTION_KIND_PROFILE: _profile,
            view.SECTION_KIND_HOLDINGS: _holdings,
            view.SECTION_KIND_TRANSACTIONS: _transactions,
            view.SECTION_KIND_PREFERENCES: _preferences,
            view.SECTION_KIND_INTENTIONS: _intentions,
        }
    )
)


def _some(options: tuple[str, ...], number: str, about: str) -> list[str]:
    first = draws.number(len(options), number, about)
    count = 1 + draws.number(3, number, about, "count")
    return [options[(first + offset) % len(options)] for offset in range(count)]


def _account(number: str, card_bin: str, product: str) -> str:
    body = f"{card_bin}{draws.number(10**12, number, product):012}"
    return body + accounts.check_digit(body)


def _date(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)
