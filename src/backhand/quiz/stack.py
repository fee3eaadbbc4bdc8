"""STACK questions for Moodle: an input and a response tree for each number, and a test of each question by itself."""

from __future__ import annotations

from collections.abc import Sequence

from .exercise import Exercise
from .moodle import cdata, quiz, worked
from .page import Field
from .statement import Statement, latex_maths, numbered, plain

VERSION = "2025042500"
_PLAIN = (
    ("questionsimplify", "1"), ("assumepositive", "0"), ("assumereal", "0"), ("decimals", "."),
    ("scientificnotation", "*10"), ("multiplicationsign", "dot"), ("sqrtsign", "1"), ("complexno", "i"),
    ("inversetrig", "cos-1"), ("logicsymbol", "lang"), ("matrixparens", "["), ("isbroken", "0"),
    ("variantsselectionseed", ""),
)  # fmt: skip
_INPUT = (
    ("boxsize", "15"), ("strictsyntax", "1"), ("insertstars", "0"), ("syntaxhint", ""), ("syntaxattribute", "0"),
    ("forbidwords", ""), ("allowwords", ""), ("forbidfloat", "0"), ("requirelowestterms", "0"),
    ("checkanswertype", "0"), ("mustverify", "0"), ("showvalidation", "1"), ("options", ""),
)  # fmt: skip


def stack(exercises: Sequence[Exercise], title: str) -> str:
    """A question for each exercise."""
    return quiz([_question(exercise) for exercise in exercises], title)


def _question(exercise: Exercise) -> str:
    statement = Statement(latex_maths)
    found = [field for _, field in numbered(exercise)]
    gaps = "".join(
        f"<p>{statement.label(field)} = [[input:ans{k}]] [[validation:ans{k}]]</p>" for k, field in enumerate(found, 1)
    )
    variables = "\n".join(f"ta{k}:{plain(field.value)};" for k, field in enumerate(found, 1))
    feedback = "".join(f"<p>[[feedback:prt{k}]]</p>" for k in range(1, len(found) + 1))
    parts = [
        f"<name>{_text(exercise.title)}</name>",
        f'<questiontext format="html">{_text(statement.task(exercise) + gaps)}</questiontext>',
        f'<generalfeedback format="html">{_text(worked(exercise))}</generalfeedback>',
        f"<defaultgrade>{len(found)}</defaultgrade><penalty>0.1</penalty><hidden>0</hidden><idnumber></idnumber>",
        f"<stackversion>{_text(VERSION)}</stackversion>",
        f"<questionvariables>{_text(variables)}</questionvariables>",
        f'<specificfeedback format="html">{_text(feedback)}</specificfeedback>',
        *(f'<{name} format="html">{_text("")}</{name}>' for name in ("questionnote", "questiondescription")),
        *(
            f'<{name} format="html">{_text(said)}</{name}>'
            for name, said in (
                ("prtcorrect", "<p>Correct.</p>"), ("prtpartiallycorrect", "<p>Partly correct.</p>"),
                ("prtincorrect", "<p>Not correct.</p>"),
            )
        ),
        *(f"<{name}>{value}</{name}>" for name, value in _PLAIN),
        *(_input(k) for k in range(1, len(found) + 1)),
        *(_tree(k, field, len(found)) for k, field in enumerate(found, 1)),
        _test(len(found)),
    ]  # fmt: skip
    return '<question type="stack">\n' + "\n".join(parts) + "\n</question>"


def _text(text: str) -> str:
    return f"<text>{cdata(text)}</text>"


def _input(k: int) -> str:
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in _INPUT)
    return f"<input><name>ans{k}</name><type>numerical</type><tans>ta{k}</tans>{rest}</input>"


def _tree(k: int, field: Field, count: int) -> str:
    node = "".join(
        f"<{which}scoremode>=</{which}scoremode><{which}score>{score}</{which}score><{which}penalty></{which}penalty>"
        f"<{which}nextnode>-1</{which}nextnode><{which}answernote>prt{k}-1-{which[0].upper()}</{which}answernote>"
        f'<{which}feedback format="html">{_text("")}</{which}feedback>'
        for which, score in (("true", "1.0000000"), ("false", "0.0000000"))
    )
    return (
        f"<prt><name>prt{k}</name><value>{1 / count:.7f}</value><autosimplify>1</autosimplify>"
        f"<feedbackstyle>1</feedbackstyle><feedbackvariables>{_text('')}</feedbackvariables>"
        f"<node><name>0</name><description></description><answertest>NumAbsolute</answertest><sans>ans{k}</sans>"
        f"<tans>ta{k}</tans><testoptions>{plain(field.tolerance, 3)}</testoptions><quiet>1</quiet>{node}</node></prt>"
    )


def _test(count: int) -> str:
    """STACK's own test of the question: the right answers score."""
    inputs = "".join(f"<testinput><name>ans{k}</name><value>ta{k}</value></testinput>" for k in range(1, count + 1))
    expected = "".join(
        f"<expected><name>prt{k}</name><expectedscore>1.0000000</expectedscore>"
        f"<expectedpenalty>0.0000000</expectedpenalty><expectedanswernote>prt{k}-1-T</expectedanswernote></expected>"
        for k in range(1, count + 1)
    )
    return f"<qtest><testcase>1</testcase><description>right answers</description>{inputs}{expected}</qtest>"
