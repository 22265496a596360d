"""Levels and messages, however a line is written; and which lines belong together."""

from __future__ import annotations

import pytest

from tools.detection.lines import Level, read
from tools.detection.units import read_unit, units


@pytest.mark.parametrize(
    ("raw", "level", "text"),
    [
        ("2026-11-21T09:26:37.568985333Z ERROR boom", Level.ERROR, "boom"),
        ("2026-11-21T09:26:37.568985333Z stderr F WARN slow", Level.WARNING, "slow"),
        ("2026-11-21 09:26:37,568 INFO  [main] up", Level.INFO, "[main] up"),
        ("[21/Nov/2026:09:26:37 +0000] warning: late", Level.WARNING, "warning: late"),
        ("Nov 21 09:26:37 host app[1]: hello", Level.UNKNOWN, "host app[1]: hello"),
        ("E1121 09:26:37.568985       1 reflector.go:138] boom", Level.ERROR, "reflector.go:138] boom"),
        ("2026/11/21 09:26:37 [crit] 7#7: disk", Level.FATAL, "7#7: disk"),
        ('{"level":"error","msg":"boom","err":"no such host"}', Level.ERROR, "boom: no such host"),
        ('{"level":50,"time":1,"msg":"boom"}', Level.ERROR, "boom"),
        ('{"severity":"INFO","message":"fine","error":null}', Level.INFO, "fine"),
        ('{"message":"x","error":{"message":"deep"}}', Level.ERROR, "x: deep"),
        ('{"log":"WARN late\\n","stream":"stderr","time":"2026-11-21T09:26:37Z"}', Level.WARNING, "late"),
        ('ts=1 level=warn msg="slow query" err=nil', Level.WARNING, "slow query"),
        ("panic: oh", Level.FATAL, "panic: oh"),
        ("error count is 0", Level.UNKNOWN, "error count is 0"),
        ("alert manager started", Level.UNKNOWN, "alert manager started"),
        ('{"not json', Level.UNKNOWN, '{"not json'),
        ('{"level":"error","stack":"' + "x" * 9_000 + '","msg":"boom"}', Level.ERROR, "boom: " + "x" * 3_994),
        ("[" * 5_000, Level.UNKNOWN, "[" * 4_000),
    ],
)
def test_a_line_says_how_bad_it_is_and_what(raw: str, level: Level, text: str) -> None:
    read_line = read(raw)

    assert (read_line.level, read_line.text) == (level, text)


def test_what_follows_a_trace_is_a_line_of_its_own() -> None:
    log = ["ERROR failed", "java.io.IOException: x", "\tat a.B.c(B.java:1)", "INFO next", "", "INFO after"]

    assert [unit.first for unit in units(log)] == [0, 3, 5]


def test_a_pretty_printed_object_is_one_line() -> None:
    log = ["{", '  "level": "error",', '  "message": "boom"', "}", "INFO next"]

    first, second = units(log)

    assert read_unit(first).text == "boom"
    assert read_unit(first).level is Level.ERROR
    assert read_unit(second).text == "next"
