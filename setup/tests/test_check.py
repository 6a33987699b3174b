"""When a run of the tests counts as failed."""

import pytest

from lib import check, lint, paths

GOOD = (
    "2026-01-01 10:00:00,000 1 INFO db odoo.tests.result: "
    "0 failed, 0 error(s) of 9 tests"
)


def judge(*lines, status=0):
    part = check.Part("part")
    check.judge_log(part, "\n".join(lines), status)
    return part


def test_good_log():
    part = judge(GOOD)
    assert (part.problems, part.count) == ([], "9 tests")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "ran no test"),
        ([GOOD.replace("9", "0")], "ran no test"),
        ([GOOD.replace("0 failed", "2 failed")], "2 of 9 tests failed"),
        (
            [GOOD, GOOD.split("odoo.")[0] + "odoo.tests: skipped x : y"],
            "skipped: x : y",
        ),
        ([GOOD, GOOD.replace("INFO", "WARNING")], "WARNING"),
        ([GOOD, GOOD.replace("INFO", "CRITICAL"), "  trace"], "\n  trace"),
    ],
)
def test_bad_log(lines, words):
    assert words in "\n".join(judge(*lines).problems)


def test_bad_status():
    assert judge(GOOD, status=3).problems


def test_harmless_lines(monkeypatch):
    monkeypatch.setattr(check, "HARMLESS", ("pg_trgm",))
    line = GOOD.split("INFO")[0] + 'ERROR db x: extension "pg_trgm" is not available'
    assert not judge(GOOD, line).problems


@pytest.mark.parametrize(
    ("attributes", "names", "status", "words"),
    [
        ('failures="0" errors="0" skipped="1"', "abc", 0, "1 skipped of 3 tests"),
        ('failures="1" errors="1" skipped="0"', "abc", 1, "1 failures, 1 errors of 3"),
        ('failures="0" errors="0" skipped="0"', "", 5, "no test ran"),
        ('failures="0" errors="0" skipped="0"', "abc", 3, "exit status 3"),
        ('failures="0" errors="0" skipped="0"', "abcc", 0, ""),
    ],
)
def test_report_of_pytest(tmp_path, attributes, names, status, words):
    report = tmp_path / "report.xml"
    cases = "".join(f'<testcase classname="m" name="{name}"/>' for name in names)
    suite = f"<testsuite {attributes}>{cases}</testsuite>"
    report.write_text(f"<testsuites>{suite}</testsuites>")
    part = check.Part("part")
    check.judge_pytest(part, report, status)
    assert words in "\n".join(part.problems)
    assert bool(part.problems) == bool(words)
    assert part.count == f"{len(set(names))} tests"


def test_no_report_of_pytest(tmp_path):
    part = check.Part("part")
    check.judge_pytest(part, tmp_path / "none.xml", 4)
    assert part.problems


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "home/someone/odoo",
        "cd /" + "work/main",
        "https://" + "pypi.example.com/simple",
        "http://" + "deb.debian.org/debian",
    ],
)
def test_traces_of_a_machine(line):
    assert lint._MACHINE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "https://www.odoo.com/documentation/19.0/",
        "http://localhost:8069",
        'path = "/my/home/page"',
        "client_value_dossier/static/src/work/x.js",
        "/client_value_dossier/<id>/workbook.xlsx",
    ],
)
def test_no_traces_of_a_machine(line):
    assert not lint._MACHINE.search(line)


def test_python_tests_need_no_new_database():
    assert not paths.is_installed_file(paths.Path("addon/tests/test_x.py"))
    assert not paths.is_installed_file(paths.Path("addon/models/.ruff_cache/x"))
    assert paths.is_installed_file(paths.Path("addon/static/tests/tours/x.js"))
    assert paths.is_installed_file(paths.Path("addon/models/x.py"))
