"""QTI 2.1, by IMS, with formulas in MathML; and QTI 1.2 as Canvas takes it in.

Canvas rounds what a student types to four decimals; an answer whose tolerance is below 0.00005 would be lost there, and
none is (`exercise.tolerance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from xml.sax.saxutils import quoteattr

from .archive import archive
from .exercise import Exercise
from .page import Field
from .statement import Statement, latex_maths, mathml_maths, numbered, plain

_QTI21 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
_QTI12 = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
_CC = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
_CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def qti21(exercises: Sequence[Exercise], title: str) -> bytes:
    """A content package: an item for each exercise, and a test of all of them."""
    files: dict[str, str | bytes] = {}
    names = [f"exercise{k}" for k in range(1, len(exercises) + 1)]
    items = {f"{name}.xml": _item21(exercise, name) for name, exercise in zip(names, exercises, strict=True)}
    resources = "".join(
        f'<resource identifier="RES-{name}" type="imsqti_item_xmlv2p1" href="{name}.xml"><file href="{name}.xml"/>'
        "</resource>"
        for name in names
    )
    depends = "".join(f'<dependency identifierref="RES-{name}"/>' for name in names)
    files["imsmanifest.xml"] = (
        f'{HEAD}<manifest xmlns="{_CP}" identifier="MANIFEST-1"><metadata><schema>QTIv2.1 Package</schema>'
        "<schemaversion>1.0.0</schemaversion></metadata><organizations/><resources>"
        '<resource identifier="RES-test" type="imsqti_test_xmlv2p1" href="test.xml"><file href="test.xml"/>'
        f"{depends}</resource>{resources}</resources></manifest>\n"
    )
    references = "".join(f'<assessmentItemRef identifier="{name}" href="{name}.xml"/>' for name in names)
    files["test.xml"] = (
        f'{HEAD}<assessmentTest xmlns="{_QTI21}" identifier="test" title={quoteattr(title)}>'
        '<testPart identifier="part1" navigationMode="nonlinear" submissionMode="individual">'
        f'<assessmentSection identifier="section1" title={quoteattr(title)} visible="true">{references}'
        "</assessmentSection></testPart></assessmentTest>\n"
    )
    return archive({**files, **items})


def _item21(exercise: Exercise, name: str) -> str:
    statement = Statement(mathml_maths)
    found = numbered(exercise)
    declared = "".join(
        f'<responseDeclaration identifier="RESPONSE_{key}" cardinality="single" baseType="float">'
        f"<correctResponse><value>{plain(field.value)}</value></correctResponse></responseDeclaration>\n"
        for key, field in found
    )
    gaps = "".join(
        f"<li>{statement.label(field)} = "
        f'<textEntryInteraction responseIdentifier="RESPONSE_{key}" expectedLength="12"/></li>'
        for key, field in found
    )
    return (
        f'{HEAD}<assessmentItem xmlns="{_QTI21}" identifier="{name}" title={quoteattr(exercise.title)}'
        f' adaptive="false" timeDependent="false">\n{declared}'
        f'<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" normalMaximum="{len(found)}"'
        ' normalMinimum="0"><defaultValue><value>0</value></defaultValue></outcomeDeclaration>\n'
        f"<itemBody>{statement.task(exercise)}<ul>{gaps}</ul></itemBody>\n"
        f"<responseProcessing>{''.join(_scored21(key, field) for key, field in found)}</responseProcessing>\n"
        "</assessmentItem>\n"
    )


def _scored21(key: str, field: Field) -> str:
    allowed = plain(field.tolerance, 3)
    return (
        f'<responseCondition><responseIf><equal toleranceMode="absolute" tolerance="{allowed} {allowed}"'
        f' includeLowerBound="true" includeUpperBound="true"><correct identifier="RESPONSE_{key}"/>'
        f'<variable identifier="RESPONSE_{key}"/></equal><setOutcomeValue identifier="SCORE"><sum>'
        '<variable identifier="SCORE"/><baseValue baseType="float">1</baseValue></sum></setOutcomeValue>'
        "</responseIf></responseCondition>\n"
    )


def qti12(exercises: Sequence[Exercise], title: str) -> bytes:
    """A package for Canvas: the task as text, then a numerical question for each number."""
    statement = Statement(latex_maths)
    items, points = [], 0
    for k, exercise in enumerate(exercises, 1):
        name = f"exercise{k}"
        items.append(_item12(f"{name}_text", exercise.title, statement.task(exercise), None))
        for key, field in numbered(exercise):
            points += 1
            text = f"<p>({key}) {statement.label(field)} = ?</p>"
            items.append(_item12(f"{name}_{key}", f"{exercise.title} ({key})", text, field))
    quiz = (
        f'{HEAD}<questestinterop xmlns="{_QTI12}"><assessment ident="quiz1" title={quoteattr(title)}>'
        "<qtimetadata><qtimetadatafield><fieldlabel>cc_maxattempts</fieldlabel><fieldentry>1</fieldentry>"
        f'</qtimetadatafield></qtimetadata><section ident="root_section">{"".join(items)}</section></assessment>'
        "</questestinterop>\n"
    )
    about = (
        f'{HEAD}<quiz identifier="quiz1" xmlns="{_CANVAS}"><title>{escape(title, quote=False)}</title>'
        "<description></description><shuffle_answers>false</shuffle_answers><scoring_policy>keep_highest</scoring_policy>"
        f"<quiz_type>assignment</quiz_type><points_possible>{points}.0</points_possible>"
        "<allowed_attempts>1</allowed_attempts></quiz>\n"
    )
    manifest = (
        f'{HEAD}<manifest identifier="man1" xmlns="{_CC}"><metadata><schema>IMS Content</schema>'
        "<schemaversion>1.1.3</schemaversion></metadata><organizations/><resources>"
        '<resource identifier="quiz1" type="imsqti_xmlv1p2"><file href="quiz1/quiz1.xml"/>'
        '<dependency identifierref="quiz1_meta"/></resource><resource identifier="quiz1_meta"'
        ' type="associatedcontent/imscc_xmlv1p1/learning-application-resource" href="quiz1/assessment_meta.xml">'
        '<file href="quiz1/assessment_meta.xml"/></resource></resources></manifest>\n'
    )
    return archive({"imsmanifest.xml": manifest, "quiz1/quiz1.xml": quiz, "quiz1/assessment_meta.xml": about})


def _item12(name: str, title: str, text: str, field: Field | None) -> str:
    kind = "text_only_question" if field is None else "numerical_question"
    pairs = (
        ("question_type", kind), ("points_possible", "0" if field is None else "1.0"),
        ("original_answer_ids", "" if field is None else "1001"), ("assessment_question_identifierref", f"{name}_ref"),
    )  # fmt: skip
    fields = "".join(
        f"<qtimetadatafield><fieldlabel>{label}</fieldlabel><fieldentry>{value}</fieldentry></qtimetadatafield>"
        for label, value in pairs
    )
    material = f'<material><mattext texttype="text/html">{escape(text, quote=False)}</mattext></material>'
    asked = (
        '<response_str ident="response1" rcardinality="Single"><render_fib fibtype="Decimal">'
        '<response_label ident="answer1"/></render_fib></response_str>'
    )
    return (
        f"<item ident={quoteattr(name)} title={quoteattr(title)}>"
        f"<itemmetadata><qtimetadata>{fields}</qtimetadata></itemmetadata>"
        f"<presentation>{material}{asked if field is not None else ''}</presentation>"
        f"{_scored12(field) if field is not None else ''}</item>\n"
    )


def _scored12(field: Field) -> str:
    right, allowed = Decimal(plain(field.value)), Decimal(plain(field.tolerance, 3))
    low, high = (format(right + sign * allowed, "f") for sign in (-1, 1))
    return (
        '<resprocessing><outcomes><decvar maxvalue="100" minvalue="0" varname="SCORE" vartype="Decimal"/></outcomes>'
        '<respcondition continue="No"><conditionvar><or>'
        f'<varequal respident="response1">{format(right, "f")}</varequal><and>'
        f'<vargte respident="response1">{low}</vargte>'
        f'<varlte respident="response1">{high}</varlte></and></or></conditionvar>'
        '<setvar action="Set" varname="SCORE">100</setvar></respcondition></resprocessing>'
    )
