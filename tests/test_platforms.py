"""Files for learning platforms, read by parsers that others wrote where there are any, and held to their rules."""

import io
import json
import re
import uuid
import zipfile
from decimal import Decimal
from functools import cache

import jsonschema
import pytest
from lxml import etree

import backhand as bh
from backhand.errors import UsageError
from backhand.quiz.moodle import cdata, gift, moodle_cloze, moodle_numerical
from backhand.quiz.page import fields
from backhand.quiz.prairielearn import prairielearn
from backhand.quiz.qti import qti12, qti21
from backhand.quiz.stack import stack
from backhand.quiz.statement import plain

NUMBER = re.compile(r"-?(([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][-+]?[0-9]+)?)")  # as in Moodle's numerical answers
GAP = re.compile(r"\{([0-9]+):(NUMERICAL|NM):=([^:{}]+):([^:{}]+)\}")
HTML = {"itemBody", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "textEntryInteraction"}
MATHS = {
    "math", "mrow", "mi", "mo", "mn", "mtext", "mfrac", "msub", "msup", "msubsup", "msqrt", "mover", "mspace", "mtable",
    "mtr", "mtd",
}  # fmt: skip
TITLE = "Gradients & <signs>: {50 %} #1"


@cache
def exercises():
    levels = ("forward", "partial", "partials", "mistake")
    return tuple(e for level in levels for e in bh.exercises(level=level, variants=2, seed=1, title=TITLE).exercises)


@cache
def asked():
    return [field for exercise in exercises() for field in fields(exercise, scale=True)]


def test_moodle_numerical():
    tree = etree.fromstring(moodle_numerical(exercises(), TITLE).encode())
    assert tree.find("question[@type='category']/category/text").text == f"$course$/top/{TITLE}"
    questions = tree.findall("question[@type='numerical']")
    assert len(questions) == len(asked())
    for question, field in zip(questions, asked(), strict=True):
        answer = question.find("answer")
        value, tolerance = answer.findtext("text"), answer.findtext("tolerance")
        assert answer.get("fraction") == "100"
        assert NUMBER.fullmatch(value)
        assert float(value) == pytest.approx(field.value, rel=1e-9)
        assert float(tolerance) == pytest.approx(field.tolerance, rel=0.01)
        text = question.findtext("questiontext/text")
        assert "\\(" in text
        etree.fromstring(f"<div>{text}</div>")  # well-formed


def test_moodle_cloze():
    tree = etree.fromstring(moodle_cloze(exercises(), TITLE).encode())
    questions = tree.findall("question[@type='cloze']")
    assert len(questions) == len(exercises())
    for question, exercise in zip(questions, exercises(), strict=True):
        text = question.findtext("questiontext/text")
        gaps = GAP.findall(text)
        assert [float(g[2]) for g in gaps] == pytest.approx([f.value for f in fields(exercise, scale=True)], rel=1e-9)
        assert all(NUMBER.fullmatch(g[2]) and NUMBER.fullmatch(g[3]) for g in gaps)
        assert not re.search(r"\{\d+:", GAP.sub("", text))  # nothing else that Moodle would take for a gap
        assert "{#" not in text


def test_text_that_ends_a_cdata_section():
    assert etree.fromstring(f"<a>{cdata('x ]]> y & <b>')}</a>").text == "x ]]> y & <b>"


def packed(data):
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        return {name: book.read(name) for name in book.namelist()}


def test_qti_21():
    data = qti21(exercises(), TITLE)
    assert data == qti21(exercises(), TITLE)
    files = packed(data)
    cp, qti = "{http://www.imsglobal.org/xsd/imscp_v1p1}", "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
    manifest = etree.fromstring(files["imsmanifest.xml"])
    resources = manifest.findall(f".//{cp}resource")
    assert {f.get("href") for r in resources for f in r.findall(f"{cp}file")} == files.keys() - {"imsmanifest.xml"}
    ids = {r.get("identifier") for r in resources}
    assert {d.get("identifierref") for d in manifest.iter(f"{cp}dependency")} <= ids
    assert manifest.findtext(f".//{cp}schema") == "QTIv2.1 Package"
    test = etree.fromstring(files["test.xml"])
    assert test.get("title") == TITLE
    for reference, exercise in zip(test.iter(f"{qti}assessmentItemRef"), exercises(), strict=False):
        item = etree.fromstring(files[reference.get("href")])
        declared = {d.get("identifier"): d for d in item.iter(f"{qti}responseDeclaration")}
        used = [e.get("responseIdentifier") for e in item.iter(f"{qti}textEntryInteraction")]
        assert used == list(declared)
        assert all(e.getparent().tag == f"{qti}li" for e in item.iter(f"{qti}textEntryInteraction"))
        values = [float(d.findtext(f".//{qti}value")) for d in declared.values()]
        assert values == pytest.approx([f.value for f in fields(exercise, scale=True)], rel=1e-9)
        body = {etree.QName(e).localname for e in item.find(f"{qti}itemBody").iter()}
        assert body <= HTML | MATHS
        spaces = {etree.QName(e).namespace for e in item.iter() if etree.QName(e).localname in MATHS}
        assert spaces == {"http://www.w3.org/1998/Math/MathML"}


def test_qti_12_as_canvas_takes_it():
    files = packed(qti12(exercises(), TITLE))
    manifest = etree.fromstring(files["imsmanifest.xml"])
    hrefs = {e.get("href") for e in manifest.iter() if e.get("href")}
    assert hrefs == files.keys() - {"imsmanifest.xml"}
    tree = etree.fromstring(files["quiz1/quiz1.xml"])
    for element in tree.iter():
        element.tag = etree.QName(element).localname
    items = [i for i in tree.iter("item") if i.find(".//response_str") is not None]
    assert len(items) == len(asked())
    assert len({i.get("ident") for i in tree.iter("item")}) == len(list(tree.iter("item")))
    for item, field in zip(items, asked(), strict=True):
        right, low, high = (Decimal(item.findtext(f".//{tag}")) for tag in ("varequal", "vargte", "varlte"))
        assert low < right < high
        assert float(right) == pytest.approx(field.value, rel=1e-9)
        assert low <= round(right, 4) <= high  # Canvas rounds what is typed to four decimals
        assert "e" not in item.findtext(".//varequal").lower()
        etree.fromstring(f"<div>{item.findtext('.//mattext')}</div>")


INFO = {
    "type": "object",
    "additionalProperties": False,
    "required": ["uuid", "title", "topic", "type"],
    "properties": {
        "uuid": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "title": {"type": "string"},
        "topic": {"type": "string"},
        "type": {"const": "v3"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "singleVariant": {"type": "boolean"},
    },
}
INPUT = {"answers-name", "label", "correct-answer", "comparison", "rtol", "atol"}


def test_prairielearn():
    files = prairielearn(exercises(), TITLE)
    names = set()
    assert {p.partition("/")[0] for p in files} == {f"exercise{k:03d}" for k in range(1, len(exercises()) + 1)}
    for path, text in files.items():
        if path.endswith("info.json"):
            about = json.loads(text)
            jsonschema.validate(about, INFO)
            names.add(uuid.UUID(about["uuid"]))
            continue
        assert "{{" not in text
        tree = etree.fromstring(f"<all>{text}</all>")
        inputs = list(tree.iter("pl-number-input"))
        assert inputs
        assert len({i.get("answers-name") for i in inputs}) == len(inputs)
        for one in inputs:
            assert set(one.attrib) == INPUT
            right = float(one.get("correct-answer"))
            allowed = float(one.get("atol")) + float(one.get("rtol")) * abs(right)
            assert allowed > 0
    assert len(names) == len([p for p in files if p.endswith("info.json")])


def test_stack():
    tree = etree.fromstring(stack(exercises(), TITLE).encode())
    questions = tree.findall("question[@type='stack']")
    assert len(questions) == len(exercises())
    for question, exercise in zip(questions, exercises(), strict=True):
        found = fields(exercise, scale=True)
        text = question.findtext("questiontext/text")
        for k, field in enumerate(found, 1):
            assert text.count(f"[[input:ans{k}]]") == 1
            assert text.count(f"[[validation:ans{k}]]") == 1
            assert question.findtext("specificfeedback/text").count(f"[[feedback:prt{k}]]") == 1
            variables = dict(re.findall(r"(ta\d+):([^;]+);", question.findtext("questionvariables/text")))
            assert float(variables[f"ta{k}"]) == pytest.approx(field.value, rel=1e-9)
        assert [i.findtext("name") for i in question.findall("input")] == [f"ans{k}" for k in range(1, len(found) + 1)]
        assert all(i.findtext("forbidfloat") == "0" for i in question.findall("input"))
        for tree_of, field in zip(question.findall("prt"), found, strict=True):
            node = tree_of.find("node")
            assert node.findtext("answertest") == "NumAbsolute"
            assert float(node.findtext("testoptions")) == pytest.approx(field.tolerance, rel=0.01)
            assert node.findtext("falsescore") == "0.0000000"
            assert node.findtext("truenextnode") == "-1"
        assert len(question.findall("qtest/expected")) == len(found)


def test_letters_are_for_paper():
    letters = bh.exercises(level="letters").exercises
    for make in (moodle_numerical, moodle_cloze, gift, qti21, qti12, stack, prairielearn):
        with pytest.raises(UsageError, match="for paper"):
            make(letters, "x")


@pytest.mark.parametrize(("value", "text"), [(1e-7, "0.0000001"), (-0.5, "-0.5"), (12345.678901234, "12345.6789"),
                                             (1e12, "1000000000000"), (0.1 + 0.2, "0.3")])  # fmt: skip
def test_numbers_are_written_plainly(value, text):
    assert plain(value) == text
