"""Which objects a URL means."""

from datetime import datetime

import pytest

from aggregator.errors import UsageError
from aggregator.urls import Pattern, is_url, refuse_password, shown

NOW = datetime(2026, 3, 2, 5)


@pytest.mark.parametrize(
    ("pattern", "path", "is_meant"),
    [
        ("b/app/*.gz", "b/app/one.gz", True),
        ("b/app/*.gz", "b/app/deep/one.gz", False),
        ("b/app/**/*.gz", "b/app/deep/er/one.gz", True),
        ("b/app/**/*.gz", "b/app/one.gz", True),
        ("b/app/**", "b/app/deep/one", True),
        ("b/app/?.log", "b/app/1.log", True),
        ("b/app/?.log", "b/app/12.log", False),
        ("b/app/[0-4].log", "b/app/5.log", False),
        ("b/app/[!0-4].log", "b/app/5.log", True),
        ("b/app/one+two(3).log", "b/app/one+two(3).log", True),
        ("b/app/one.log", "b/app/oneXlog", False),
        ("b/app/", "b/app/deep/one", True),
        ("b/app/", "b/apples/one", False),
        ("b/app/", "b/app/_SUCCESS", False),
        ("b/app/", "b/app/.hidden/one", False),
        ("b/_app/", "b/_app/one", True),
        ("b", "b/one", True),
        ("b/{YYYY}/{MM}/{DD}/{HH}/*", "b/2026/02/28/23/one", True),
        ("b/{YYYY}/{MM}/{DD}/{HH}/*", "b/2026/02/28/one", False),
        ("b/{YYYY}/{MM}/", "b/2026/02/28/one", True),
        ("b/{YYYY}-{MM}/{YYYY}{MM}.log", "b/2026-02/202602.log", True),
        ("b/{YYYY}-{MM}/{YYYY}{MM}.log", "b/2026-02/202603.log", False),
    ],
)
def test_globs_and_dates_of_a_url(pattern: str, path: str, is_meant: bool) -> None:
    assert Pattern(pattern).matches(path) == is_meant


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("b/app/*.gz", ["b/app/"]),
        ("b/app/", ["b/app/"]),
        ("b/one.log", ["b/one.log"]),
        ("b/{YYYY}/{MM}/{DD}/{HH}/*", ["b/2026/02/27/", "b/2026/02/28/", "b/2026/03/01/", "b/2026/03/02/"]),
        ("b/app-{YYYY}{MM}{DD}-*", ["b/app-20260227-", "b/app-20260228-", "b/app-20260301-", "b/app-20260302-"]),
        ("b/{YYYY}/{MM}/*", ["b/2026/02/", "b/2026/03/"]),
        ("b/{YYYY}/*", ["b/2026/"]),
        ("b/*/{YYYY}/{MM}/{DD}/", ["b/"]),
    ],
)
def test_days_are_listed_by_their_prefix(pattern: str, prefixes: list[str]) -> None:
    assert Pattern(pattern).prefixes(datetime(2026, 2, 27, 23), NOW) == prefixes


def test_the_first_time_all_that_may_fit_is_listed() -> None:
    assert Pattern("b/app/{YYYY}/{MM}/*").prefixes(None, NOW) == ["b/app/"]


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("b/{yyyy}/", "{yyyy} is no part of a date"),
        ("b/{DD}/", "a date needs all that is greater"),
        ("b/{YYYY}/{DD}/", "a date needs all that is greater"),
    ],
)
def test_what_is_no_date_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Pattern(pattern)


def test_a_day_that_does_not_exist_is_no_date() -> None:
    assert Pattern("b/{YYYY}/{MM}/{DD}/").date("b/2026/02/30/x") is None
    assert Pattern("b/{YYYY}/{MM}/{DD}/").date("b/2026/02/28/x") == datetime(2026, 2, 28)


def test_urls_and_paths() -> None:
    assert is_url("s3://b/x")
    assert not any(map(is_url, ("/var/log/app.log", "-", "a:b//c", "C:/x", "logs/s3://x")))


def test_no_password_is_taken_from_a_url_or_shown() -> None:
    with pytest.raises(UsageError) as caught:
        refuse_password("s3://me:secret@b/x")
    assert "secret" not in str(caught.value)
    refuse_password("abfs://container@account/x")
    assert "secret" not in shown("http://me:secret@host/x and http://host/x?X-Amz-Signature=secret")
