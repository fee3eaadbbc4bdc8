"""Notebooks by IPython and marimo; QTI 2.1 by pyslet, which parses items and scores answers; GIFT by pygiftparser."""

import io
import logging
import zipfile
from decimal import Decimal

import pyslet.qtiv2.expressions as expressions
import pyslet.qtiv2.variables as variables
import pyslet.qtiv2.xml as qti
import pytest
from IPython.testing.globalipapp import start_ipython
from pygiftparser import parser as gift_parser

import backhand as bh
from backhand.quiz.moodle import gift
from backhand.quiz.page import fields
from backhand.quiz.qti import qti21
from backhand.quiz.statement import plain

CELL = "input x; target y\nz = w*x + b\ncost C = mean((z - y)^2)\nw = 0.5; b = 0\nrate 0.1\ndata\nx, y\n1, 2\n2, 3"


@pytest.fixture(scope="module")
def ipython():
    shell = start_ipython()
    shell.run_line_magic("load_ext", "backhand")
    return shell


def test_the_cell_magic_shows_a_sheet(ipython, capsys):
    work = ipython.run_cell_magic("backhand", "line --epochs 2", CELL)
    assert len(work.steps) == 2
    assert ipython.user_ns["line"].title == ""
    data, _ = ipython.display_formatter.format(work)
    assert {"text/plain", "text/html", "text/latex"} <= data.keys()
    assert "<script" not in data["text/html"]
    assert ipython.run_cell_magic("backhand", "", "y = w*x +") is None
    assert "the cell:1:" in capsys.readouterr().err
    assert ipython.run_cell_magic("backhand", "--epochs many", CELL) is None
    assert "invalid int value" in capsys.readouterr().err


def test_every_result_has_all_three_kinds(ipython):
    sheet = bh.read(CELL)
    for result in (sheet, sheet.show(), sheet.why("w"), sheet.check("z = 1"), sheet.gradcheck(), bh.exercises()):
        data, _ = ipython.display_formatter.format(result)
        assert {"text/plain", "text/html", "text/latex"} <= data.keys()


def test_marimo_shows_the_html():
    from marimo._output.formatting import try_format

    sheet = bh.read(CELL)
    for result in (sheet, sheet.show(), sheet.check("z = 1")):
        found = try_format(result)
        assert found.mimetype == "text/html"
        assert "<math" in found.data


class Problems(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        self.found.append(record.getMessage())


def item_of(data):
    problems = Problems()
    logging.getLogger().addHandler(problems)
    try:
        document = qti.QTIDocument()
        document.read(src=io.BytesIO(data))
    finally:
        logging.getLogger().removeHandler(problems)
    assert problems.found == []
    return document.root


def score(item, answers):
    session = variables.ItemSessionState(item)
    session.begin_session()
    for name, value in answers.items():
        session.map[f"RESPONSE_{name}"].set_value(value)
    item.ResponseProcessing.run(session)
    return session.map["SCORE"].value


def test_qti_items_are_read_and_scored_by_another_program(monkeypatch):
    monkeypatch.setattr(expressions.Equal, "XMLATTR_tolerance", ("tolerance", str, str, list))  # it has two numbers
    exercises = [e for level in ("forward", "partials", "mistake") for e in bh.exercises(level=level).exercises]
    with zipfile.ZipFile(io.BytesIO(qti21(exercises, "Exercises"))) as package:
        for k, exercise in enumerate(exercises, 1):
            data = package.read(f"exercise{k}.xml")
            found = fields(exercise, scale=True)
            names = [chr(97 + i) for i in range(len(found))]
            item = item_of(data)
            right = {n: plain(f.value) for n, f in zip(names, found, strict=True)}
            near = {n: plain(f.value + 0.9 * f.tolerance) for n, f in zip(names, found, strict=True)}
            off = {n: plain(f.value + 1.2 * f.tolerance) for n, f in zip(names, found, strict=True)}
            assert score(item, right) == len(found)
            assert score(item, near) == len(found)
            assert score(item, off) == 0
    with pytest.raises(Exception):  # noqa: B017, PT011 - pyslet's own error for what is no item
        item_of(data.replace(b"<itemBody><p>", b"<itemBody>text"))


def test_gift_is_read_by_another_program():
    levels = ("forward", "partial", "partials", "mistake")
    exercises = [e for level in levels for e in bh.exercises(level=level, variants=2, seed=1).exercises]
    text = gift(exercises, "Gradients & <signs>: {50 %} #1")
    asked = [field for exercise in exercises for field in fields(exercise, scale=True)]
    read = gift_parser.parse(text)
    assert len(read.questions) == len(asked)
    for question, field in zip(read.questions, asked, strict=True):
        value, _, tolerance = question.answer.options[0].text.partition(":")
        assert abs(Decimal(value) - Decimal(plain(field.value))) <= Decimal(tolerance)
        assert abs(Decimal(value) - Decimal(plain(field.value + 3 * field.tolerance))) > Decimal(tolerance)
    for broken in (text.replace("{#", "{#abc", 1), text[: text.rindex("}")]):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the parser has errors of many kinds
            gift_parser.parse(broken)
