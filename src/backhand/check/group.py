"""The answers of a whole class: by person, by step, and the slips that several made."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..document.parts import Cell, Document, Page, Table
from ..errors import BackhandError, UsageError
from ..network.build import Problem
from .answers import read_answers
from .marking import FOLLOWS, RIGHT, ROUNDED, VERDICTS, WRONG, Desk, mark
from .points import points, summary
from .tolerance import Tolerance

SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".xlsx", ".ans", "")
FEW = 24  # files that one process marks by itself
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Person:
    """One person's answers, marked.

    Attributes:
        verdicts: of each answer by its name, in the order given.
        slips: the likeliest cause of each wrong number.
        problem: why the file could not be marked at all.
    """

    name: str
    verdicts: tuple[tuple[str, str], ...] = ()
    got: float = 0.0
    of: float = 0.0
    first: str = ""
    slips: tuple[tuple[str, str], ...] = ()
    said: str = ""
    problem: str = ""

    @property
    def all_right(self) -> bool:
        return not self.problem and all(verdict in (RIGHT, ROUNDED) for _, verdict in self.verdicts)

    def count(self, *wanted: str) -> int:
        return sum(verdict in wanted for _, verdict in self.verdicts)


@dataclass(frozen=True)
class Group:
    """A class."""

    title: str
    persons: tuple[Person, ...]

    @property
    def all_right(self) -> bool:
        return all(person.all_right for person in self.persons)

    def steps(self) -> list[tuple[str, Counter[str]]]:
        """For each answer's name how many persons got which verdict, in the order of first appearance."""
        found: dict[str, Counter[str]] = {}
        for person in self.persons:
            for name, verdict in person.verdicts:
                found.setdefault(name, Counter())[verdict] += 1
        return list(found.items())

    def slips(self) -> list[tuple[str, int, list[str]]]:
        """The slips by the number of persons that made them, with the steps where."""
        persons: Counter[str] = Counter()
        where: dict[str, Counter[str]] = {}
        for person in self.persons:
            for slip in {slip for slip, _ in person.slips}:
                persons[slip] += 1
            for slip, name in person.slips:
                where.setdefault(slip, Counter())[name] += 1
        return [
            (slip, count, [name for name, _ in where[slip].most_common(3)]) for slip, count in persons.most_common()
        ]


def answer_files(folder: Path) -> list[Path]:
    """The files of answers in a folder, by name.

    Raises:
        UsageError: there are none.
    """
    files = (p for p in folder.iterdir() if p.is_file() and p.name[0] not in ".~")  # ~$anna.xlsx is Excel's own
    found = sorted(p for p in files if p.suffix.lower() in SUFFIXES)
    if not found:
        raise UsageError(f"{folder} holds no answers", expected="a file for each person: .txt, .csv, .json or .xlsx")
    return found


_AT_WORK: tuple[Problem, Tolerance, Desk] | None = None  # what a process of the pool marks with


def mark_group(
    problem: Problem, files: Sequence[Path], tolerance: Tolerance | None = None, progress: Progress | None = None
) -> Group:
    """Marks a file of answers for each person, on all cores.

    Raises:
        UsageError: a sheet in letters.
    """
    global _AT_WORK
    _AT_WORK = (problem, tolerance or Tolerance(), Desk(problem))
    persons = []
    try:
        for done, person in enumerate(_marked(files), 1):
            persons.append(person)
            if progress:
                progress(done, len(files))
    finally:
        _AT_WORK = None
    return Group(problem.network.title, tuple(persons))


def _marked(files: Sequence[Path]) -> Iterator[Person]:
    workers = min(os.cpu_count() or 1, 1 + len(files) // FEW)
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(_one, files)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_one, files, chunksize=8)


def _one(path: Path) -> Person:
    assert _AT_WORK is not None
    problem, tolerance, desk = _AT_WORK
    try:
        marking = mark(problem, read_answers(path, problem), tolerance, desk=desk)
    except BackhandError as refusal:
        return Person(path.stem, problem=refusal.message)
    worth = points(marking)
    slips = tuple(
        (one.causes[0].slip, one.name)
        for one in marking.order()
        if one.verdict == WRONG and one.causes and not one.again
    )
    return Person(
        path.stem,
        tuple((answer.name, marking.verdict(k)) for k, answer in enumerate(marking.answers)),
        sum(p.got for p in worth), sum(p.of for p in worth),
        marking.first.name if marking.first else "", slips, summary(marking),
    )  # fmt: skip


def group_document(group: Group) -> Document:
    """A table by person, one by step, and the slips that are shared."""
    page = Page(f"Marking of {len(group.persons)} sheets: {group.title or 'a network'}")
    page.heading(page.title, 1)
    whole = [person for person in group.persons if not person.problem]
    right = sum(person.all_right for person in group.persons)
    page.text(f"{right} of {len(group.persons)} are all right." + (_middle(whole) if whole else ""))
    page.heading("By person")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (p.name, f"{p.got:g} of {p.of:g}", p.count(RIGHT, ROUNDED), p.count(FOLLOWS), p.count(WRONG),
         p.count("blank", "invalid"), p.first, p.slips[0][0] if p.slips else "")
        if not p.problem else (p.name, "–", 0, 0, 0, 0, "", p.problem)
        for p in group.persons
    )  # fmt: skip
    page.add(Table(("", "points", "right", "follow", "wrong", "not marked", "first wrong", "slip"), rows))
    page.heading("By step")
    steps: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(counts[v] for v in VERDICTS)) for name, counts in group.steps()
    )
    page.add(Table(("", *VERDICTS), steps))
    shared = [(slip, count, ", ".join(where)) for slip, count, where in group.slips()]
    if shared:
        page.heading("Slips")
        page.add(Table(("slip", "persons", "most often in"), tuple(shared)))
    return page.done()


def _middle(persons: Sequence[Person]) -> str:
    of = max((person.of for person in persons), default=0)
    mean = sum(person.got for person in persons) / len(persons)
    return f" On average {mean:.3g} points of {of:g}."


def group_json(group: Group) -> dict[str, Any]:
    """The class as `backhand.class/1`."""
    return {
        "schema": "backhand.class/1",
        "title": group.title or None,
        "persons": [
            {
                "name": p.name, "points": p.got, "of": p.of, "first_wrong": p.first or None, "summary": p.said or None,
                "verdicts": dict(p.verdicts), "slips": [{"slip": s, "at": n} for s, n in p.slips],
                "problem": p.problem or None,
            } for p in group.persons
        ],
        "steps": {name: {v: counts[v] for v in VERDICTS} for name, counts in group.steps()},
        "slips": [{"slip": slip, "persons": count, "at": where} for slip, count, where in group.slips()],
    }  # fmt: skip
