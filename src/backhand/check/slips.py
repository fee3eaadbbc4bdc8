"""The library of slips: what people get wrong in one step, each as an edit of the step's formula.

`variants` gives the edits of one quantity. A formula over keys is edited as a tree: a term or a factor left out, a sign,
another number in place of one, a derivative that was not taken. Which slips fit which kind of step stands in `variants`;
the words for them in `SLIPS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..network.graph import Role
from ..notation.expr import Call, Expr, Num, Ref, call, div, is_number, leaves, mul, neg, power, rewrite
from ..ops.vocabulary import VOCABULARY
from .book import ONLY_ROW, OTHER_ROW, STALE, WITHOUT_ROW, Book
from .ledger import COST, DELTA, GIVEN, LOCAL, NEW, OWN, SUM, TOTAL, VALUE, Ledger, Quantity

MOST_OTHERS = 12  # of siblings that may be taken in place of a number


@dataclass(frozen=True)
class Slip:
    """A kind of slip.

    Attributes:
        prior: how common it is; the larger the commoner.
        everywhere: one who makes it in one layer may make it in all.
    """

    name: str
    prior: float
    everywhere: bool = False


SLIPS = {
    slip.name: slip
    for slip in (
        Slip("activation derivative left out", 10, True),
        Slip("derivative at a instead of z", 7, True),
        Slip("activation in place of its derivative", 6, True),
        Slip("another activation derivative", 5, True),
        Slip("mask of relu turned round", 4, True),
        Slip("activation left out", 8, True),
        Slip("another activation", 5, True),
        Slip("sign of the exponent", 5, True),
        Slip("cost without the square", 7),
        Slip("factor 2 left out", 8),
        Slip("factor 2 too many", 6),
        Slip("sum for mean", 7),
        Slip("mean for sum", 7),
        Slip("divided by N twice", 4),
        Slip("sign", 8),
        Slip("sign of the error", 8),
        Slip("sign of the update", 9),
        Slip("sign of a term", 7),
        Slip("bias sign", 6),
        Slip("bias forgotten", 8),
        Slip("term left out", 6),
        Slip("path left out", 8),
        Slip("path that does not exist", 4),
        Slip("output left out", 6),
        Slip("factor left out", 6),
        Slip("weight left out", 7),
        Slip("input left out", 6),
        Slip("wrong weight", 7),
        Slip("W for its transpose", 7),
        Slip("wrong input", 6),
        Slip("z for a", 6),
        Slip("a of another unit", 5),
        Slip("weight in place of the input", 5),
        Slip("another row's number", 6),
        Slip("another column's number", 5),
        Slip("target misread", 5),
        Slip("updated weights used", 6),
        Slip("number of the epoch before", 5),
        Slip("added for multiplied", 3),
        Slip("divided for multiplied", 4),
        Slip("learning rate left out", 7),
        Slip("learning rate doubled", 3),
        Slip("not updated", 6),
        Slip("bias not updated", 7),
        Slip("gradient as the new weight", 6),
        Slip("step as the new weight", 5),
        Slip("new weight as the gradient", 5),
        Slip("another weight's gradient", 4),
        Slip("gradient of one row", 5),
        Slip("row left out", 5),
        Slip("softmax by the diagonal alone", 7),
        Slip("softmax applied twice", 4),
        Slip("cost not differentiated", 4),
        Slip("finite difference", 4),
        Slip("rounded on the way", 3),
        Slip("doubled", 2),
        Slip("halved", 2),
        Slip("squared", 2),
        Slip("square root", 1),
        Slip("upside down", 1),
        Slip("float32", 6),
        Slip("digits cut", 8),
        Slip("two digits swapped", 6),
        Slip("decimal point moved", 6),
        Slip("digit miscopied", 1),
    )
}


@dataclass(frozen=True)
class Variant:
    """A slip at one quantity: its formula as it would have been worked."""

    slip: str
    text: str
    flat: Expr
    general: bool = False  # fits any number: it is looked for in what was written down alone


def _each_call(flat: Expr, op: str) -> Iterator[Call]:
    stack = [flat]
    while stack:
        part = stack.pop()
        if type(part) is Call:
            if part.op == op and not part.prime:
                yield part
            stack.extend(part.args)


def _put(flat: Expr, old: Expr, new: Expr) -> Expr:
    """The formula with one of its parts replaced, that very one."""
    return rewrite(flat, lambda part: new if part is old else None)


def _without(part: Call, at: int) -> Expr:
    kept = (*part.args[:at], *part.args[at + 1 :])
    return kept[0] if len(kept) == 1 else Call(part.op, kept)


def _swapped(part: Call, at: int, new: Expr) -> Expr:
    return Call(part.op, (*part.args[:at], new, *part.args[at + 1 :]), part.prime, part.index)


class Library:
    """The slips of one step's quantities, in the words of its network."""

    def __init__(self, book: Book) -> None:
        self.book, self.ledger = book, book.ledger
        self.network = book.ledger.network
        self._made: dict[str, list[Variant]] = {}

    def said(self, key: str) -> str:
        """A quantity's name for people."""
        from ..notation.text import PLAIN

        if key.startswith(SUM):
            return f"the sum of {self.said(key.removeprefix(SUM))}"
        quantity = self.ledger[key]
        return PLAIN(quantity.left) + ("'" if quantity.kind == NEW else "")

    def variants(self, key: str) -> list[Variant]:
        """The slips that fit a quantity, each with a formula other than the right one."""
        if key not in self._made:
            quantity = self.ledger[key]
            seen: set[str] = set()
            found = []
            for one in self._all(quantity) if quantity.flat is not None else ():
                mark = f"{one.slip} {one.flat!r}"
                if mark not in seen and one.flat != quantity.flat:
                    seen.add(mark)
                    found.append(one)
            self._made[key] = found
        return self._made[key]

    def _all(self, quantity: Quantity) -> Iterator[Variant]:
        flat = quantity.flat
        assert flat is not None
        match quantity.kind:
            case "value":
                yield from self._activation(quantity, flat)
                yield from self._terms(quantity, flat)
                yield from self._others(quantity, flat)
            case "own":
                yield from self._cost(flat)
                yield from self._terms(quantity, flat)
                yield from self._others(quantity, flat)
            case "local":
                yield from self._derivative(quantity, flat)
                yield from self._others(quantity, flat)
                yield from self._terms(quantity, flat)
            case "delta":
                yield from self._paths(quantity, flat)
            case "cost" | "total":
                yield from self._sums(quantity, flat)
            case "new":
                yield from self._update(quantity, flat)
        for one in self._whole(quantity, flat):
            yield replace(one, general=True)

    # --- of any step ----------------------------------------------------------------------------------------

    def _whole(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name = self.said(quantity.key)
        yield Variant("sign", f"the sign of {name} is turned round", neg(flat))
        yield Variant("doubled", f"{name} is twice what it should be", mul(2.0, flat))
        yield Variant("halved", f"{name} is half of what it should be", div(flat, 2.0))
        count = float(self.ledger.count)
        if count > 1 and quantity.kind in (OWN, DELTA, LOCAL, TOTAL, COST, NEW):
            yield Variant("mean for sum", f"{name} is divided by N = {count:g}", div(flat, count))
            yield Variant("sum for mean", f"{name} is not divided by N = {count:g}", mul(count, flat))
        yield Variant("squared", f"{name} is squared", power(flat, 2.0))
        if quantity.kind in (OWN, COST):
            yield Variant("square root", f"the square root of {name} is taken", call("sqrt", flat))

    def _terms(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        """A term or factor left out, or taken with the wrong sign."""
        name = self.said(quantity.key)
        for part in _each_call(flat, "add"):
            for at, term in enumerate(part.args):
                bias = type(term) is Ref and self._role(term.name) is Role.PARAMETER
                shown = self._shown(term)
                slip = "bias forgotten" if bias else "term left out"
                yield Variant(slip, f"{shown} is left out of {name}", _put(flat, part, _without(part, at)))
                error = quantity.kind in (OWN, LOCAL)
                slip = "bias sign" if bias else "sign of a term"
                if not error or len(part.args) != 2:
                    turned = _put(flat, part, _swapped(part, at, neg(term)))
                    yield Variant(slip, f"{shown} is taken with the wrong sign in {name}", turned)
                elif at == 1:
                    turned = _put(flat, part, _swapped(part, at, neg(term)))
                    yield Variant("sign of a term", f"added for subtracted in {name}", turned)
        for part in _each_call(flat, "mul"):
            for at, factor in enumerate(part.args):
                if type(factor) is Num:
                    continue
                slip = "factor left out"
                if type(factor) is Ref and factor.name in self.network.nodes or type(factor) is Ref:
                    role = self._role(factor.name)
                    slip = "weight left out" if role is Role.PARAMETER else "input left out" if role else slip
                said = f"{self._shown(factor)} is left out of {self._shown(part)}"
                yield Variant(slip, said, _put(flat, part, _without(part, at)))
            if len(part.args) == 2 and all(type(a) is not Num for a in part.args):
                left, right = part.args
                text = self._shown(part)
                added = _put(flat, part, Call("add", (left, right)))
                yield Variant("added for multiplied", f"{text} is added, not multiplied", added)
                for top, bottom in ((left, right), (right, left)):
                    ratio = _put(flat, part, Call("div", (top, bottom)))
                    said = f"{self._shown(top)} is divided by {self._shown(bottom)}, not multiplied"
                    yield Variant("divided for multiplied", said, ratio)

    def _others(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        """Another number in place of one."""
        name = self.said(quantity.key)
        for leaf in dict.fromkeys(part.name for part in leaves(flat) if type(part) is Ref and not part.name.startswith(SUM)):
            for slip, other in self._instead(leaf):
                new = _replace(flat, leaf, other)
                shown = self._called(other)
                yield Variant(slip, f"{shown} is taken for {self.said(leaf)} in {name}", new)

    def _instead(self, leaf: str) -> Iterator[tuple[str, str]]:
        """Keys that may be taken in place of one, and what that slip is called."""
        quantity, nodes = self.ledger[leaf], self.network.nodes
        if quantity.kind not in (GIVEN, VALUE):
            return
        ref, node = quantity.ref, nodes[quantity.ref.name]
        shape = node.shape
        if len(ref.index) == 2 and ref.index[0] != ref.index[1]:
            turned = ref.index[::-1]
            if all(i <= n for i, n in zip(turned, shape, strict=True)):
                yield "W for its transpose", self.ledger.value(Ref(ref.name, turned))
        for other in self._siblings(ref):
            key = self.ledger.value(other)
            if node.role is Role.PARAMETER:
                yield "wrong weight", key
            elif node.role is Role.INPUT:
                yield "another column's number", key
            elif node.role is Role.TARGET:
                yield "target misread", key
            elif node.role is Role.EQUATION:
                yield "a of another unit", key
        if node.role is Role.EQUATION and node.formula is not None:
            inner = node.formula
            if type(inner) is Call and VOCABULARY.get(inner.op) and VOCABULARY[inner.op].activation and type(inner.args[0]) is Ref:
                yield "z for a", self.ledger.value(Ref(inner.args[0].name, ref.index))
        if quantity.by_row and self.ledger.count > 1:
            slip = "target misread" if node.role is Role.TARGET else "another row's number"
            for row in range(min(self.ledger.count, MOST_OTHERS)):
                yield slip, f"{OTHER_ROW}{row} {leaf}"
        if self.book.before is not None and not (quantity.kind == GIVEN and quantity.by_row) and node.role is not Role.CONST:
            if self.ledger.rows == self.book.before.ledger.rows or not quantity.by_row:
                yield "number of the epoch before", f"{STALE}{leaf}"

    def _siblings(self, ref: Ref) -> list[Ref]:
        """Numbers of the same kind: entries of the same node, then nodes of the same role and shape beside it."""
        nodes, node = self.network.nodes, self.network.nodes[ref.name]
        same = [r for r in self.ledger.entries(ref.name) if r != ref] if node.shape and len(list(node.entries(400))) < 400 else []
        near: list[Ref] = []
        if len(node.shape) == 2:
            same = [r for r in same if r.index[0] == ref.index[0] or r.index[1] == ref.index[1]]
        elif not node.shape:
            every = list(nodes.values())
            at = every.index(node)
            alike = [n for n in every if n is not node and n.role is node.role and n.shape == node.shape]
            if node.role is Role.EQUATION:
                alike = [n for n in alike if _kind(n.formula) == _kind(node.formula)]
            near = [Ref(n.name) for n in sorted(alike, key=lambda n: abs(every.index(n) - at))]
        return [*same, *near][:MOST_OTHERS]

    def _role(self, key: str) -> Role | None:
        if key.startswith(SUM) or self.ledger[key].kind not in (GIVEN, VALUE):
            return None
        return self.network.nodes[self.ledger[key].ref.name].role

    def _shown(self, expr: Expr) -> str:
        """A part of a formula over keys, for people."""
        from ..notation.text import PLAIN

        def change(part: Expr) -> Expr | None:
            return Ref(self._called(part.name)) if type(part) is Ref else None

        return PLAIN(rewrite(expr, change))

    def _called(self, key: str) -> str:
        for prefix in (OTHER_ROW, WITHOUT_ROW, ONLY_ROW):
            if key.startswith(prefix):
                row, _, rest = key.removeprefix(prefix).partition(" ")
                return f"{self.said(rest)} of row {self.ledger.rows[int(row)]}"
        if key.startswith(STALE):
            return f"{self.said(key.removeprefix(STALE))} of the step before"
        if key.startswith("new "):
            return f"the updated {self.said(key).removesuffix(chr(39))}"
        return self.said(key)

    # --- forward --------------------------------------------------------------------------------------------

    def _activation(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        if type(flat) is not Call or not VOCABULARY.get(flat.op) or not VOCABULARY[flat.op].activation or flat.op == "linear":
            if type(flat) is Call and flat.op == "entry" and type(flat.args[0]) is Call and flat.args[0].op == "softmax":
                twice = Call("entry", (Call("softmax", (flat.args[0],)),), index=flat.index)
                yield Variant("softmax applied twice", "softmax is applied twice", twice)
                listed = flat.args[0].args[0]
                if type(listed) is Call and listed.op == "stack":
                    yield Variant("activation left out", "softmax is left out", listed.args[flat.index[0] - 1])
            return
        name, z, *rest = self.said(quantity.key), flat.args[0], *flat.args[1:]
        yield Variant("activation left out", f"{flat.op} is left out of {name}", z)
        if flat.op in ("sigmoid", "tanh"):
            yield Variant("sign of the exponent", f"the sign of the exponent in {name} is turned", Call(flat.op, (neg(z), *rest)))
        for other in ("sigmoid", "tanh", "relu"):
            if other != flat.op:
                yield Variant("another activation", f"{other} is taken for {flat.op} in {name}", call(other, z))
        if flat.op in ("relu", "leaky", "elu"):
            yield Variant("mask of relu turned round", f"{name} is 0 where it should not be", Num(0.0))
            yield Variant("activation left out", f"{flat.op} is left out of {name}", call("abs", z))
        if flat.op in ("sigmoid", "tanh"):
            yield Variant("activation in place of its derivative", f"the derivative of {flat.op} is taken in {name}",
                          Call(flat.op, flat.args, prime=1))  # fmt: skip

    def _cost(self, flat: Expr) -> Iterator[Variant]:
        name = self.said(self.ledger.own())
        for part in _each_call(flat, "pow"):
            if is_number(part.args[1], 2.0):
                yield Variant("cost without the square", f"the square is left out of {name}", _put(flat, part, part.args[0]))
                size = call("abs", part.args[0])
                yield Variant("cost without the square", f"the square is left out of {name}", _put(flat, part, size))
        yield Variant("factor 2 left out", f"{name} has a factor ½ too many", div(flat, 2.0))
        yield Variant("factor 2 too many", f"the factor ½ is left out of {name}", mul(2.0, flat))

    # --- backward -------------------------------------------------------------------------------------------

    def _derivative(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name = self.said(quantity.key)
        if quantity.of is None:
            cost = self.ledger[self.ledger.own()].flat
            assert cost is not None
            yield Variant("sign of the error", f"the sign of {name} is turned round", neg(flat))
            yield Variant("factor 2 left out", f"the factor 2 is left out of {name}", div(flat, 2.0))
            yield Variant("factor 2 too many", f"{name} has a factor 2 too many", mul(2.0, flat))
            count = float(self.ledger.count)
            if count > 1:
                yield Variant("mean for sum", f"{name} is divided by N = {count:g}", div(flat, count))
                yield Variant("sum for mean", f"{name} is not divided by N = {count:g}", mul(count, flat))
            yield Variant("cost not differentiated", "the cost itself is taken for its derivative", cost)
            return
        node = self.network.nodes[quantity.of.name]
        inner = node.formula
        if type(inner) is Call and inner.op == "softmax":
            if quantity.of.index == quantity.ref.index:
                p = Ref(self.ledger.value(quantity.of))
                yield Variant("activation derivative left out", "the derivative of softmax is left out", Num(1.0))
                yield Variant("activation in place of its derivative", "softmax is taken for its derivative", p)
            else:
                yield Variant("softmax by the diagonal alone", "softmax is differentiated by its diagonal alone", Num(0.0))
            return
        primes = [part for part in _primes(flat)]
        for part in primes:
            act, z = part.op, part.args[0]
            a: Expr = Ref(self.ledger.value(quantity.of)) if _kind(inner) == act else Call(act, part.args)
            left_out = f"{act}' is left out of {name}"
            yield Variant("activation derivative left out", left_out, _put(flat, part, Num(1.0)))
            at_a = Call(act, (a, *part.args[1:]), part.prime)
            yield Variant("derivative at a instead of z", f"{act}' is taken at a, not at z, in {name}", _put(flat, part, at_a))
            yield Variant("activation in place of its derivative", f"{act} is taken for {act}' in {name}", _put(flat, part, a))
            wrong: list[tuple[str, Expr]] = [
                ("1 - a", 1.0 - a), ("1 - a²", 1.0 - power(a, 2.0)), ("a²", power(a, 2.0)), ("a(1 - a)", a * (1.0 - a)),
                ("1 + a", 1.0 + a), ("a(1 + a)", a * (1.0 + a)), ("z(1 - z)", z * (1.0 - z)), ("1 - z²", 1.0 - power(z, 2.0)),
            ]  # fmt: skip
            for said, other in wrong:
                text = f"{said} is taken for {act}' in {name}"
                yield Variant("another activation derivative", text, _put(flat, part, other))
            if act in ("relu", "leaky"):
                turned = 1.0 - Call(act, part.args, part.prime)
                yield Variant("mask of relu turned round", f"the mask of {act} is turned round in {name}", _put(flat, part, turned))
                yield Variant("mask of relu turned round", f"the mask of {act} is taken as 0 in {name}", _put(flat, part, Num(0.0)))
        if not primes and quantity.ref.name in self.network.nodes:
            role = self.network.nodes[quantity.ref.name].role
            own = Ref(self.ledger.value(quantity.ref))
            if role is Role.PARAMETER:
                yield Variant("weight in place of the input", f"{self.said(own.name)} is taken for {name}", own)
                yield Variant("input left out", f"{name} is taken as 1", Num(1.0))
            else:
                yield Variant("weight left out", f"{name} is taken as 1", Num(1.0))
                for leaf in dict.fromkeys(leaf.name for leaf in leaves(flat) if type(leaf) is Ref):
                    if self._role(leaf) is Role.PARAMETER and self.ledger.step.change is not None:
                        fresh = self.ledger.new(self.ledger[leaf].ref)
                        text = f"the updated {self.said(leaf)} is used in {name}, not the old one"
                        yield Variant("updated weights used", text, _replace(flat, leaf, fresh))

    def _paths(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        """δ as a sum over those that use a number: a path left out, one too many, a factor left out."""
        name = self.said(quantity.key)
        terms = flat.args if type(flat) is Call and flat.op == "add" else (flat,)
        outputs = {ref.name for ref in self.network.outputs} if self.network.cost else set()
        if len(terms) > 1:
            assert type(flat) is Call
            for at, term in enumerate(terms):
                user = self._user(term)
                slip = "output left out" if user in outputs else "path left out"
                soft = user and _kind(self.network.nodes[user].formula) == "softmax"
                if soft:
                    continue
                yield Variant(slip, f"the path through {user or 'the cost'} is left out of {name}", _without(flat, at))
                turned = _swapped(flat, at, neg(term))
                yield Variant("sign of a term", f"the path through {user or 'the cost'} has the wrong sign in {name}", turned)
            if all((u := self._user(t)) and _kind(self.network.nodes[u].formula) == "softmax" for t in terms):
                for term in terms:
                    of = self.ledger[term.args[1].name].of if type(term) is Call else None  # type: ignore[union-attr]
                    if of is not None and of.index == quantity.ref.index:
                        text = "softmax is differentiated by its diagonal alone"
                        yield Variant("softmax by the diagonal alone", text, term)
        for at, term in enumerate(terms):
            if type(term) is not Call or term.op != "mul":
                continue
            above, local = term.args
            assert type(above) is Ref and type(local) is Ref
            put = (lambda new, at=at: new if len(terms) == 1 else _swapped(flat, at, new))  # type: ignore[misc, arg-type]
            slip, text = self._left_out(self.ledger[local.name])
            yield Variant(slip, f"{text} in {name}", put(above))
            yield Variant("factor left out", f"{self.said(above.name)} is left out of {name}", put(local))
            yield Variant("added for multiplied", f"{self._shown(term)} is added, not multiplied", put(Call("add", (above, local))))
            divided = f"{self.said(above.name)} is divided by {self.said(local.name)}, not multiplied"
            yield Variant("divided for multiplied", divided, put(Call("div", (above, local))))
            of = self.ledger[local.name].of
            if of is None:
                continue
            for other in self._siblings(of)[:4]:  # what another unit passes back
                if other.name in self.ledger._leading:
                    new = Call("mul", (Ref(self.ledger.delta(other)), local))
                    text = f"{self.said(self.ledger.delta(other))} is taken for {self.said(above.name)} in {name}"
                    yield Variant("a of another unit", text, put(new))
        yield from self._added_paths(quantity, flat, terms)

    def _added_paths(self, quantity: Quantity, flat: Expr, terms: tuple[Expr, ...]) -> Iterator[Variant]:
        """A path that does not exist: what a number beside it passes on, counted here as well (seed 000's ∂C/∂w4)."""
        if self.network.nodes[quantity.ref.name].role is not Role.PARAMETER:
            return
        for sibling in self._siblings(quantity.ref)[:6]:
            other = self.ledger[self.ledger.delta(sibling)].flat
            if other is not None and other != flat:
                text = f"a path through {self.said(self.ledger.value(sibling))}'s unit is counted in {self.said(quantity.key)}"
                yield Variant("path that does not exist", text, Call("add", (*terms, other)))
                if type(other) is Call and other.op == "mul" and type(flat) is Call and flat.op == "mul":
                    mixed = Call("add", (flat, Call("mul", (other.args[0], flat.args[1]))))
                    yield Variant("path that does not exist", text, mixed)
                    taken = f"{self.said(other.args[0].name)} is taken in {self.said(quantity.key)}"  # type: ignore[attr-defined]
                    yield Variant("a of another unit", taken, Call("mul", (other.args[0], flat.args[1])))

    def _user(self, term: Expr) -> str | None:
        """The node through which a path goes."""
        if type(term) is Call and term.op == "mul" and type(term.args[1]) is Ref:
            of = self.ledger[term.args[1].name].of
            return of.name if of is not None else None
        return None

    def _left_out(self, local: Quantity) -> tuple[str, str]:
        name = self.said(local.key)
        if local.flat is not None and any(True for _ in _primes(local.flat)):
            return "activation derivative left out", f"{name} is left out"
        if self.network.nodes[local.ref.name].role is Role.PARAMETER:
            return "input left out", f"{name} is left out"
        return "weight left out", f"{name} is left out"

    # --- sums and updates -----------------------------------------------------------------------------------

    def _sums(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name, count = self.said(quantity.key), self.ledger.count
        whole = next((leaf.name for leaf in leaves(flat) if type(leaf) is Ref and leaf.name.startswith(SUM)), None)
        if whole is None or count == 1:
            if quantity.kind == TOTAL and self.ledger.step.change is not None:
                yield Variant("new weight as the gradient", "the new weight is given as the gradient", Ref(self.ledger.new(quantity.ref)))
            return
        cost = self.network.cost
        key, total = whole.removeprefix(SUM), Ref(whole)
        if cost is not None and cost.mean:
            yield Variant("sum for mean", f"{name} is not divided by N = {count}", _replace_expr(flat, whole, mul(float(count), total)))
            yield Variant("divided by N twice", f"{name} is divided by N = {count} twice", _replace_expr(flat, whole, div(total, float(count))))
        else:
            yield Variant("mean for sum", f"{name} is divided by N = {count}", _replace_expr(flat, whole, div(total, float(count))))
        for row in range(min(count, MOST_OTHERS)):
            number = self.ledger.rows[row]
            yield Variant("row left out", f"row {number} is left out of {name}", _replace_expr(flat, whole, Ref(f"{WITHOUT_ROW}{row} {key}")))
            one = Ref(f"{ONLY_ROW}{row} {key}")
            yield Variant("gradient of one row" if quantity.kind == TOTAL else "row left out",
                          f"{name} is of row {number} alone", _replace_expr(flat, whole, one))  # fmt: skip
            yield Variant("gradient of one row" if quantity.kind == TOTAL else "row left out",
                          f"{name} is of row {number} alone", one)  # fmt: skip
        if quantity.kind == TOTAL and self.ledger.step.change is not None:
            yield Variant("new weight as the gradient", "the new weight is given as the gradient", Ref(self.ledger.new(quantity.ref)))
        if cost is not None and cost.penalty is not None:
            mean = div(total, float(count)) if cost.mean else total
            yield Variant("term left out", f"the penalty is left out of {name}", mean)

    def _update(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name, change = self.said(quantity.key).removesuffix("'"), self.ledger.step.change
        assert change is not None
        w, g, rate = Ref(self.ledger.value(quantity.ref)), Ref(self.ledger.total(quantity.ref)), change.rate
        step = w - flat  # what is taken off
        yield Variant("sign of the update", f"the update of {name} goes uphill", w + step)
        yield Variant("learning rate left out", f"the learning rate is left out of the update of {name}", w - div(step, rate) if rate else w)
        yield Variant("learning rate doubled", f"the learning rate is taken twice in the update of {name}", w - mul(step, Num(rate)))
        yield Variant("learning rate doubled", f"the step of {name} is doubled", w - mul(2.0, step))
        bias = any(
            n.formula is not None and any(type(t) is Ref and t.name == quantity.ref.name for c in _each_call(n.formula, "add") for t in c.args)
            for n in self.network.equations
        )
        slip = "bias not updated" if bias else "not updated"
        yield Variant(slip, f"{name} is not updated", w)
        yield Variant("gradient as the new weight", f"the gradient is given as the new {name}", g)
        yield Variant("step as the new weight", f"the step is given as the new {name}", step)
        yield Variant("step as the new weight", f"the step is given as the new {name}", neg(step))
        count = float(self.ledger.count)
        if count > 1:
            yield Variant("mean for sum", f"the step of {name} is divided by N = {count:g}", w - div(step, count))
            yield Variant("sum for mean", f"the step of {name} is not divided by N = {count:g}", w - mul(count, step))
            for row in range(min(self.ledger.count, MOST_OTHERS)):
                only = Ref(f"{ONLY_ROW}{row} {self.ledger.delta(quantity.ref)}")
                text = f"{name} is updated by row {self.ledger.rows[row]} alone"
                yield Variant("gradient of one row", text, _replace_expr(flat, g.name, only))
        for other in self._siblings(quantity.ref)[:MOST_OTHERS]:
            key = self.ledger.total(other)
            yield Variant("another weight's gradient", f"{self.said(key)} is used for {name}", _replace(flat, g.name, key))
            yield Variant("wrong weight", f"{self.said(self.ledger.value(other))} is taken for {name}", _replace(flat, w.name, self.ledger.value(other)))


def _kind(formula: Expr | None) -> str:
    return formula.op if type(formula) is Call else ""


def _primes(flat: Expr) -> Iterator[Call]:
    stack = [flat]
    while stack:
        part = stack.pop()
        if type(part) is Call:
            if part.prime and VOCABULARY.get(part.op) and VOCABULARY[part.op].activation:
                yield part
            stack.extend(part.args)


def _replace(flat: Expr, key: str, other: str) -> Expr:
    return _replace_expr(flat, key, Ref(other))


def _replace_expr(flat: Expr, key: str, other: Expr) -> Expr:
    return rewrite(flat, lambda part: other if type(part) is Ref and part.name == key else None)


__all__ = ["SLIPS", "Ledger", "Library", "Slip", "Variant"]
