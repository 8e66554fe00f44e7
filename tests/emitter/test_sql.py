"""What may be known of a statement without its data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logemit.sql import operation, scrubbed, written_tables


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT"),
        ("  \n(select 1) UNION (select 2)", "SELECT"),
        ("/* app:web */ -- why\nINSERT INTO t VALUES (1)", "INSERT"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH"),
        ("RELEASE SAVEPOINT s1", "RELEASE"),
        ("frobnicate", "OTHER"),
        ("", "OTHER"),
        (b"SELECT", "OTHER"),
    ],
)
def test_the_operation_is_from_a_fixed_list(sql: object, expected: str) -> None:
    assert operation(sql) == expected


@pytest.mark.parametrize(
    ("sql", "vendor", "expected"),
    [
        ("SELECT * FROM t WHERE a = 'x' AND b = 1.5e3", "sqlite", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("SELECT 'it''s' || 'more'", "sqlite", "SELECT ? || ?"),
        ('SELECT "t1"."col2" FROM "t1"', "postgresql", 'SELECT "t1"."col2" FROM "t1"'),
        ("SELECT $tag$a 'secret'$tag$, E'a\\'b'", "postgresql", "SELECT ?, ?"),
        ("SELECT `t1`.`c` = \"secret\", 'a\\'b'", "mysql", "SELECT `t1`.`c` = ?, ?"),
        ("SELECT 1 /* user bob */ -- secret", "sqlite", "SELECT ?"),
        ("SELECT 'never ends", "sqlite", "SELECT ?"),
        ("SELECT t1.c2, U0.id FROM t1 LIMIT 21", "sqlite", "SELECT t1.c2, U0.id FROM t1 LIMIT ?"),
        ("WHERE x = -5 AND y IN (%s, %s)", "sqlite", "WHERE x = -? AND y IN (%s, %s)"),
        ("SELECT ARRAY['alice','b'], data['secret']", "postgresql", "SELECT ARRAY[?,?], data[?]"),
        ('WHERE email = "alice@example.com"', "sqlite", "WHERE email = ?"),
        ("SELECT $t1$alice$t1$, $ä$bob$ä$, $$x$$, $1", "postgresql", "SELECT ?, ?, ?, $1"),
        ("SELECT q'[it's alice]', nq'{x}', Q'!a'b!' FROM t", "oracle", "SELECT ?, ?, ? FROM t"),
        ("SELECT 1 # it's alice\nFROM t WHERE a = 'secret'", "mysql", "SELECT ? FROM t WHERE a = ?"),
        ("SELECT 1 -- it's\nFROM t WHERE a = 'secret'", "mysql", "SELECT ? FROM t WHERE a = ?"),
        ("SELECT 2 /* it's */ FROM t WHERE a = 'secret'", "sqlite", "SELECT ? FROM t WHERE a = ?"),
        ("SELECT x /* a /* b */ alice */ FROM t", "postgresql", "SELECT x"),
        ("SELECT 1_234_567, .5e3, 0b1011, 0x1F, 1e-5, 12.5", "postgresql", "SELECT ?, ?, ?, ?, ?, ?"),
        ("SELECT 'it''s', E'a\\'b', 'c'", "postgresql", "SELECT ?, ?, ?"),
    ],
)
def test_literals_and_comments_are_scrubbed(sql: str, vendor: str, expected: str) -> None:
    assert scrubbed(sql, vendor) == expected


@given(st.text(alphabet=st.characters(exclude_characters="'\\\0"), min_size=1), st.sampled_from(["sqlite", "mysql"]))
def test_no_text_literal_survives(secret: str, vendor: str) -> None:
    assert scrubbed(f"SELECT x FROM t WHERE a = '{secret}'", vendor) == "SELECT x FROM t WHERE a = ?"


def test_scrubbing_hostile_text_takes_linear_time() -> None:
    for text in ("'" * 20_000, "/*" * 20_000, "$" * 20_000, "(" * 20_000, "1e" * 20_000, "$a" * 20_000):
        scrubbed(text, "postgresql")
        scrubbed(text, "mysql")
        operation(text)


@pytest.mark.parametrize("count", [30, 60, 1000])
def test_any_number_of_leading_comments_is_read_at_once(count: int) -> None:
    assert operation("/**/" * count + "1") == "OTHER"
    assert written_tables("/**/ " * count + "INSERT INTO t") == (("t",) if count < 51 else ())


@pytest.mark.parametrize(
    ("sql", "vendor"),
    [
        ("SELECT * FROM [it's] WHERE name = 'SECRET'", "sqlite"),
        ("SELECT * FROM t WHERE c = 'X\\' AND d = 'SECRET'", "mysql"),
        ("SELECT 1--'a\nSECRET'", "mysql"),
    ],
)
def test_what_may_be_a_literal_is_scrubbed(sql: str, vendor: str) -> None:
    assert "SECRET" not in scrubbed(sql, vendor)
