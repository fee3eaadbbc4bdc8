"""Slips on the way back: derivatives, paths, sums over the rows, updates."""

from __future__ import annotations

from collections.abc import Iterator

from ..explain.ledger import SUM, TOTAL, Quantity
from ..network.graph import Role
from ..notation.expr import Call, Expr, Num, Ref, div, leaves, mul, neg, power
from .book import ONLY_ROW, WITHOUT_ROW
from .nearby import MOST_OTHERS, Nearby
from .slips import Variant, each_call, kind, primes, put, put_expr, put_key, swapped, without


class Backward(Nearby):
    """The slips of derivatives, δ, sums and updates."""

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
                yield Variant(
                    "softmax by the diagonal alone", "softmax is differentiated by its diagonal alone", Num(0.0)
                )
            return
        sloped = list(primes(flat))
        for part in sloped:
            act, z = part.op, part.args[0]
            a: Expr = Ref(self.ledger.value(quantity.of)) if kind(inner) == act else Call(act, part.args)
            left_out = f"{act}' is left out of {name}"
            yield Variant("activation derivative left out", left_out, put(flat, part, Num(1.0)))
            at_a = Call(act, (a, *part.args[1:]), part.prime)
            yield Variant(
                "derivative at a instead of z", f"{act}' is taken at a, not at z, in {name}", put(flat, part, at_a)
            )
            yield Variant(
                "activation in place of its derivative", f"{act} is taken for {act}' in {name}", put(flat, part, a)
            )
            wrong: list[tuple[str, Expr]] = [
                ("1 - a", 1.0 - a), ("1 - a²", 1.0 - power(a, 2.0)), ("a²", power(a, 2.0)), ("a(1 - a)", a * (1.0 - a)),
                ("1 + a", 1.0 + a), ("a(1 + a)", a * (1.0 + a)), ("z(1 - z)", z * (1.0 - z)),
                ("1 - z²", 1.0 - power(z, 2.0)),
            ]  # fmt: skip
            for said, other in wrong:
                text = f"{said} is taken for {act}' in {name}"
                yield Variant("another activation derivative", text, put(flat, part, other))
            if act in ("relu", "leaky"):
                turned = 1.0 - Call(act, part.args, part.prime)
                yield Variant(
                    "mask of relu turned round", f"the mask of {act} is turned round in {name}", put(flat, part, turned)
                )
                yield Variant(
                    "mask of relu turned round", f"the mask of {act} is taken as 0 in {name}", put(flat, part, Num(0.0))
                )
        if not sloped and quantity.ref.name in self.network.nodes:
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
                        yield Variant("updated weights used", text, put_key(flat, leaf, fresh))

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
                soft = user and kind(self.network.nodes[user].formula) == "softmax"
                if soft:
                    continue
                yield Variant(slip, f"the path through {user or 'the cost'} is left out of {name}", without(flat, at))
                turned = swapped(flat, at, neg(term))
                yield Variant(
                    "sign of a term", f"the path through {user or 'the cost'} has the wrong sign in {name}", turned
                )
            if all((u := self._user(t)) and kind(self.network.nodes[u].formula) == "softmax" for t in terms):
                for term in terms:
                    local = term.args[1] if type(term) is Call else None
                    of = self.ledger[local.name].of if type(local) is Ref else None
                    if of is not None and of.index == quantity.ref.index:
                        text = "softmax is differentiated by its diagonal alone"
                        yield Variant("softmax by the diagonal alone", text, term)
        for at, term in enumerate(terms):
            if type(term) is not Call or term.op != "mul":
                continue
            above, local = term.args
            assert type(above) is Ref
            assert type(local) is Ref
            slip, text = self._left_out(self.ledger[local.name])
            yield Variant(slip, f"{text} in {name}", _one(flat, terms, at, above))
            yield Variant(
                "factor left out", f"{self.said(above.name)} is left out of {name}", _one(flat, terms, at, local)
            )
            yield Variant(
                "added for multiplied",
                f"{self._shown(term)} is added, not multiplied",
                _one(flat, terms, at, Call("add", (above, local))),
            )
            divided = f"{self.said(above.name)} is divided by {self.said(local.name)}, not multiplied"
            yield Variant("divided for multiplied", divided, _one(flat, terms, at, Call("div", (above, local))))
            of = self.ledger[local.name].of
            if of is None:
                continue
            for other in self._siblings(of)[:4]:  # what another unit passes back
                if other.name in self.ledger._leading:
                    new = Call("mul", (Ref(self.ledger.delta(other)), local))
                    text = f"{self.said(self.ledger.delta(other))} is taken for {self.said(above.name)} in {name}"
                    yield Variant("a of another unit", text, _one(flat, terms, at, new))
        yield from self._added_paths(quantity, flat, terms)

    def _added_paths(self, quantity: Quantity, flat: Expr, terms: tuple[Expr, ...]) -> Iterator[Variant]:
        """A path that does not exist: what a number beside it passes on, counted here as well (seed 000's ∂C/∂w4)."""
        if self.network.nodes[quantity.ref.name].role is not Role.PARAMETER:
            return
        for sibling in self._siblings(quantity.ref)[:6]:
            other = self.ledger[self.ledger.delta(sibling)].flat
            if other is not None and other != flat:
                beside = self.said(self.ledger.value(sibling))
                text = f"a path through the unit of {beside} is counted in {self.said(quantity.key)}"
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
        if local.flat is not None and any(True for _ in primes(local.flat)):
            return "activation derivative left out", f"{name} is left out"
        if self.network.nodes[local.ref.name].role is Role.PARAMETER:
            return "input left out", f"{name} is left out"
        return "weight left out", f"{name} is left out"

    def _sums(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name, count = self.said(quantity.key), self.ledger.count
        whole = next((leaf.name for leaf in leaves(flat) if type(leaf) is Ref and leaf.name.startswith(SUM)), None)
        if whole is None or count == 1:
            if quantity.kind == TOTAL and self.ledger.step.change is not None:
                yield Variant(
                    "new weight as the gradient",
                    "the new weight is given as the gradient",
                    self._new_weight(quantity, flat),
                )
            return
        cost = self.network.cost
        key, total = whole.removeprefix(SUM), Ref(whole)
        if cost is not None and cost.mean:
            yield Variant(
                "sum for mean", f"{name} is not divided by N = {count}", put_expr(flat, whole, mul(float(count), total))
            )
            yield Variant(
                "divided by N twice",
                f"{name} is divided by N = {count} twice",
                put_expr(flat, whole, div(total, float(count))),
            )
        else:
            yield Variant(
                "mean for sum", f"{name} is divided by N = {count}", put_expr(flat, whole, div(total, float(count)))
            )
        for row in range(min(count, MOST_OTHERS)):
            number = self.ledger.rows[row]
            yield Variant(
                "row left out",
                f"row {number} is left out of {name}",
                put_expr(flat, whole, Ref(f"{WITHOUT_ROW}{row} {key}")),
            )
            one = Ref(f"{ONLY_ROW}{row} {key}")
            yield Variant("gradient of one row" if quantity.kind == TOTAL else "row left out",
                          f"{name} is of row {number} alone", put_expr(flat, whole, one))  # fmt: skip
            yield Variant("gradient of one row" if quantity.kind == TOTAL else "row left out",
                          f"{name} is of row {number} alone", one)  # fmt: skip
        if quantity.kind == TOTAL and self.ledger.step.change is not None:
            yield Variant(
                "new weight as the gradient",
                "the new weight is given as the gradient",
                self._new_weight(quantity, flat),
            )
        if cost is not None and cost.penalty is not None:
            mean = div(total, float(count)) if cost.mean else total
            yield Variant("term left out", f"the penalty is left out of {name}", mean)

    def _new_weight(self, quantity: Quantity, flat: Expr) -> Expr:
        """The weight after the update by the right gradient, not by the number that is wrong."""
        new = self.ledger[self.ledger.new(quantity.ref)].flat
        assert new is not None
        return put_expr(new, quantity.key, flat)

    def _update(self, quantity: Quantity, flat: Expr) -> Iterator[Variant]:
        name, change = self.said(quantity.key).removesuffix("'"), self.ledger.step.change
        assert change is not None
        w, g, rate = Ref(self.ledger.value(quantity.ref)), Ref(self.ledger.total(quantity.ref)), change.rate
        step = w - flat  # what is taken off
        yield Variant("sign of the update", f"the update of {name} goes uphill", w + step)
        yield Variant(
            "learning rate left out",
            f"the learning rate is left out of the update of {name}",
            w - div(step, rate) if rate else w,
        )
        yield Variant(
            "learning rate doubled",
            f"the learning rate is taken twice in the update of {name}",
            w - mul(step, Num(rate)),
        )
        yield Variant("learning rate doubled", f"the step of {name} is doubled", w - mul(2.0, step))
        bias = any(
            n.formula is not None
            and any(type(t) is Ref and t.name == quantity.ref.name for c in each_call(n.formula, "add") for t in c.args)
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
                yield Variant("gradient of one row", text, put_expr(flat, g.name, only))
        for other in self._siblings(quantity.ref)[:MOST_OTHERS]:
            key = self.ledger.total(other)
            yield Variant(
                "another weight's gradient", f"{self.said(key)} is used for {name}", put_key(flat, g.name, key)
            )
            yield Variant(
                "wrong weight",
                f"{self.said(self.ledger.value(other))} is taken for {name}",
                put_key(flat, w.name, self.ledger.value(other)),
            )


def _one(flat: Expr, terms: tuple[Expr, ...], at: int, new: Expr) -> Expr:
    """A sum with one of its terms replaced."""
    if len(terms) == 1:
        return new
    assert type(flat) is Call
    return swapped(flat, at, new)
