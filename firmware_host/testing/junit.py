"""Joins the reports of all targets into one JUnit file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from firmware_host.testing.outcome import Outcome

_COUNTS = ("tests", "failures", "errors", "skipped")


def write(outcomes: Sequence[Outcome], file: Path) -> None:
    """One <testsuite> for each target and engine, named "TARGET (ENGINE)". A target on which nothing ran is there, too:
    as one skipped test, or as one error."""
    root = ElementTree.Element("testsuites", name="wirq")
    for outcome in outcomes:
        suite = ElementTree.SubElement(root, "testsuite", name=f"{outcome.target} ({outcome.engine})")
        if outcome.report is not None and outcome.report.is_file():
            for case in ElementTree.parse(outcome.report).iter("testcase"):
                name = case.get("classname") or outcome.engine
                case.set("classname", name if name.startswith(outcome.target) else f"{outcome.target}.{name}")
                suite.append(case)
        elif outcome.skipped or outcome.error:
            kind = "skipped" if outcome.skipped else "error"
            case = ElementTree.SubElement(suite, "testcase", classname=outcome.target, name="the suites run")
            ElementTree.SubElement(case, kind, message=outcome.skipped or outcome.error)
        _count(suite)
    for count in _COUNTS:
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _count(suite: ElementTree.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time') or 0) for case in cases):.3f}")
