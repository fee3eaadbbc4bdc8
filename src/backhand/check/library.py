"""The slips that fit each quantity of a step: those of any number, of the way forward, and of the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..explain.ledger import COST, DELTA, GIVEN, LOCAL, NEW, OWN, SUM, TOTAL, VALUE, Quantity
from ..network.graph import Role
from ..notation.expr import Call, Expr, Num, Ref, call, div, is_number, leaves, mul, neg, power
from ..ops.vocabulary import VOCABULARY
from .backward import Backward
from .book import OTHER_ROW, STALE
from .slips import Variant, each_call, put, put_key, swapped, without


class Library(Backward):
    """The library of slips for one step."""

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
        for part in each_call(flat, "add"):
            for at, term in enumerate(part.args):
                bias = type(term) is Ref and self._role(term.name) is Role.PARAMETER
                shown = self._shown(term)
                slip = "bias forgotten" if bias else "term left out"
                yield Variant(slip, f"{shown} is left out of {name}", put(flat, part, without(part, at)))
                error = quantity.kind in (OWN, LOCAL)
                slip = "bias sign" if bias else "sign of a term"
                if not error or len(part.args) != 2:
                    turned = put(flat, part, swapped(part, at, neg(term)))
                    yield Variant(slip, f"{shown} is taken with the wrong sign in {name}", turned)
                elif at == 1:
                    turned = put(flat, part, swapped(part, at, neg(term)))
                    yield Variant("sign of a term", f"added for subtracted in {name}", turned)
        for part in each_call(flat, "mul"):
            for at, factor in enumerate(part.args):
                if type(factor) is Num:
                    continue
                slip = "factor left out"
                if (type(factor) is Ref and factor.name in self.network.nodes) or type(factor) is Ref:
                    role = self._role(factor.name)
                    slip = "weight left out" if role is Role.PARAMETER else "input left out" if role else slip
                said = f"{self._shown(factor)} is left out of {self._shown(part)}"
                yield Variant(slip, said, put(flat, part, without(part, at)))
            if len(part.args) == 2 and all(type(a) is not Num for a in part.args):
                left, right = part.args
                text = self._shown(part)
                added = put(flat, part, Call("add", (left, right)))
                yield Variant("added for multiplied", f"{text} is added, not multiplied", added)
                for top, bottom in ((left, right), (right, left)):
                    ratio = put(flat, part, Call("div", (top, bottom)))
                    said = f"{self._shown(top)} is divided by {self._shown(bottom)}, not multiplied"
                    yield Variant("divided for multiplied", said, ratio)

    def _others(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        """Another number in place of one."""
        name = self.said(quantity.key)
        held = [part.name for part in leaves(flat) if type(part) is Ref and not part.name.startswith(SUM)]
        beside = self._beside(quantity, held)
        yield from self._all_at_once(quantity, flat, held)
        for leaf in dict.fromkeys(held):
            instead = list(self._instead(leaf))
            if self._role(leaf) in (Role.INPUT, Role.EQUATION):
                instead += [("wrong input", key) for key in beside if key != leaf and key not in dict(instead).values()]
            for slip, other in instead:
                new = put_key(flat, leaf, other)
                shown = self._called(other)
                yield Variant(slip, f"{shown} is taken for {self.said(leaf)} in {name}", new)

    def _activation(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        if (
            type(flat) is not Call
            or not VOCABULARY.get(flat.op)
            or not VOCABULARY[flat.op].activation
            or flat.op == "linear"
        ):
            if (
                type(flat) is Call
                and flat.op == "entry"
                and type(flat.args[0]) is Call
                and flat.args[0].op == "softmax"
            ):
                twice = Call("entry", (Call("softmax", (flat.args[0],)),), index=flat.index)
                yield Variant("softmax applied twice", "softmax is applied twice", twice)
                listed = flat.args[0].args[0]
                if type(listed) is Call and listed.op == "stack":
                    yield Variant("activation left out", "softmax is left out", listed.args[flat.index[0] - 1])
            return
        name, z, *rest = self.said(quantity.key), flat.args[0], *flat.args[1:]
        yield Variant("activation left out", f"{flat.op} is left out of {name}", z)
        if flat.op in ("sigmoid", "tanh"):
            yield Variant(
                "sign of the exponent", f"the sign of the exponent in {name} is turned", Call(flat.op, (neg(z), *rest))
            )
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
        for part in each_call(flat, "pow"):
            if is_number(part.args[1], 2.0):
                yield Variant(
                    "cost without the square", f"the square is left out of {name}", put(flat, part, part.args[0])
                )
                size = call("abs", part.args[0])
                yield Variant("cost without the square", f"the square is left out of {name}", put(flat, part, size))
        yield Variant("factor 2 left out", f"{name} has a factor ½ too many", div(flat, 2.0))
        yield Variant("factor 2 too many", f"the factor ½ is left out of {name}", mul(2.0, flat))

    def _all_at_once(self, quantity: Quantity, flat: Expr, held: list[str]) -> Iterator[Variant]:
        """All the entries of a vector from another row, or from the step before."""
        nodes: dict[str, list[str]] = {}
        for key in dict.fromkeys(held):
            if self.ledger[key].kind in (GIVEN, VALUE):
                nodes.setdefault(self.ledger[key].ref.name, []).append(key)
        for node, keys in nodes.items():
            if len(keys) < 2:
                continue
            every: dict[str, list[str]] = {}
            for key in keys:
                for slip, other in self._instead(key):
                    if other.startswith((OTHER_ROW, STALE)):
                        prefix = other.removesuffix(key)
                        every.setdefault(f"{slip}|{prefix}", []).append(other)
            for name, others in every.items():
                if len(others) == len(keys):
                    changed = flat
                    for key, other in zip(keys, others, strict=True):
                        changed = put_key(changed, key, other)
                    slip, _, prefix = name.partition("|")
                    where = (
                        "of the step before"
                        if prefix == STALE
                        else f"of row {self.ledger.rows[int(prefix.split()[-1])]}"
                    )
                    yield Variant(slip, f"{node} {where} is taken in {self.said(quantity.key)}", changed)
