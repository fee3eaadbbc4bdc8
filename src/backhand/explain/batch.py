"""The batch form: the same network with a row per example, each factor of the chain as one matrix (S15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..document.parts import Formula, Inline, Page, Step, as_expr
from ..engine.program import Program
from ..engine.reference import Gradients, Tape
from ..network.costs import NAMED
from ..network.graph import Network
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, div
from ..ops.evaluate import value_of
from .scene import Scene, at_row, renamed
from .views import goes_only_into, line_step, own_lines, shares_weights, where_weights_are

WRITTEN_ROWS = 12  # a function that works row by row is written out for so many rows, and else for the first


def batch_form(
    page: Page, network: Network, tape: Tape | None, gradients: Gradients | None, rename: Mapping[Ref, Ref]
) -> None:
    """A row per example, each factor of the chain as a matrix, with their shapes (S15); in letters without a tape."""
    program = gradients.program if gradients is not None else Program(network, rows=2)  # of several rows: L and C
    _Batch(page, network, layer_view(network), program, tape, gradients, rename).write()


@dataclass
class _Batch:
    page: Page
    network: Network
    view: LayerView
    program: Program
    tape: Tape | None
    gradients: Gradients | None
    rename: Mapping[Ref, Ref]
    inputs: dict[int, np.ndarray] = field(default_factory=dict)  # what comes into a layer, with the column of ones
    given: dict[int, np.ndarray] = field(default_factory=dict)  # what a layer gives
    deltas: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def count(self) -> int | str:
        return self.tape.count if self.tape is not None else "N"

    def write(self) -> None:
        page = self.page
        page.heading("The batch form: a row per example", 2)
        rows = f"N = {self.count} rows." if self.tape is not None else "N rows."
        page.text(
            f"{rows} A bias is the weight of a neuron that is always 1, so a column of ones stands beside what"
            " comes in: X_+ is X with that column, and W_+ is W with the biases as its last column."
            " ⊙ multiplies entry by entry."
        )
        for layer in self.view.layers:
            self.forward(layer)
        if self.network.cost is None:
            return
        page.heading("Backward, all rows at once", 3)
        for layer in reversed(self.view.layers):
            self.delta(layer)
        mean = " and averaged" if self.network.cost.mean else ""
        page.heading(f"The gradients: per row an outer product with what came in, then added up{mean}", 3)
        for layer in self.view.layers:
            self.gradient(layer)

    def line(
        self, left: Expr, letters: Expr, numbers: Expr | None, remark: str = "", names: np.ndarray | None = None
    ) -> np.ndarray:
        """A line with its numbers, or in letters; what is worked with further on is what the line gives."""
        if self.tape is None or numbers is None:
            self.page.add(Formula(left, letters, remark))
            return np.zeros(())
        value = value_of(numbers)
        filled = () if isinstance(numbers, Arr) else (numbers,)
        self.page.add(Step(left, letters, filled, value, remark, names=names))
        return value

    def columns(self, refs: tuple[Ref, ...], partials: bool = False) -> np.ndarray:
        assert self.tape is not None
        if not partials:
            return columns(self.tape.values, refs)
        assert self.gradients is not None
        return columns({ref.name: self.gradients.rows(ref.name) for ref in refs}, refs)

    def names(self, refs: Sequence[Ref], partials: bool = False, ones: bool = False) -> np.ndarray | None:
        """What the entries of a row per example are called, each in its row; a column of ones is called nothing."""
        if self.tape is None:
            return None
        found = np.full((self.tape.count, len(refs) + ones), None, dtype=object)
        for i, row in enumerate(self.tape.rows):
            for j, ref in enumerate(refs):
                found[i, j] = at_row(Partial(self.program.symbol, ref) if partials else ref, row)
        return found

    # forward -------------------------------------------------------------------------------------------------

    def forward(self, layer: Layer) -> None:
        units, comes_in = len(layer.units), len(layer.sources) + layer.has_bias
        self.page.text(
            f"Layer {layer.number}: {self.count}×{comes_in} times {comes_in}×{units} gives {self.count}×{units}."
        )
        numbers: Expr | None = None
        if self.tape is not None:
            come = self.given[layer.number - 1] if layer.number > 1 else self.columns(layer.sources)
            if layer.has_bias:
                come = np.concatenate([come, np.ones((self.tape.count, 1))], axis=1)
            self.inputs[layer.number] = come
            weights = _weights_with_bias(layer, self.tape)
            known = Arr(come, of=self.names(layer.sources, ones=layer.has_bias))
            numbers = Call("matmul", (known, Call("transpose", (Arr(weights, of=_weight_names(layer)),))))
        letters = Call("matmul", (_source(layer), Call("transpose", (_weights(layer),))))
        z = self.line(_z(layer), letters, numbers, names=self.names([u.z for u in layer.units]))
        act = layer.activation
        if act is None and layer is not self.view.layers[-1]:
            self.page.add(Formula(_a(layer), _z(layer)))
        self.given[layer.number] = z if act is None else self.activated(layer, act, z)

    def activated(self, layer: Layer, act: Call, z: np.ndarray) -> np.ndarray:
        letters = Call(act.op, (_z(layer), *act.args[1:]), shown=act.shown)
        if act.op != "softmax":
            known = Arr(z, of=self.names([u.z for u in layer.units]))
            filled = Call(act.op, (known, *act.args[1:]), shown=act.shown)
            names = self.names([u.a for u in layer.units])
            return self.line(_a(layer), letters, filled if self.tape is not None else None, names=names)
        self.page.text("softmax works on each row by itself.")
        return self.rowwise(_a(layer), letters, z)

    def rowwise(self, left: Ref, letters: Expr, z: np.ndarray) -> np.ndarray:
        """softmax of each row; of many rows the first is written out."""
        if self.tape is None:
            return self.line(left, letters, None)
        rows = _softmax_rows(z)
        if len(z) <= WRITTEN_ROWS:
            return self.line(left, letters, rows)
        first = self.tape.rows[0]
        self.line(at_row(left, first), Call("softmax", (Ref(f"{letters.args[0].name}@{first}"),)), rows.args[0])  # type: ignore[attr-defined]
        self.page.note(f"The other {len(z) - 1} rows are worked alike.")
        return value_of(rows)

    # backward ------------------------------------------------------------------------------------------------

    def delta(self, layer: Layer) -> None:
        following = self.view.layers[layer.number] if layer.number < len(self.view.layers) else None
        act = layer.activation
        if following is None and self.softmax_with_cross_entropy(layer):
            return
        if act is not None and (act.op == "softmax" or not goes_only_into(self.program, layer, None)):
            self.rows_own(layer)
            return
        slope: list[tuple[Expr, Expr | None]] = []
        sizes: list[str] = []
        if act is not None and act.op != "linear":
            slope_letters = Call(act.op, (_z(layer), *act.args[1:]), 1, shown=act.shown)
            worked = None
            if self.tape is not None:
                z = self.columns(tuple(u.z for u in layer.units))
                worked = Arr(value_of(Call(act.op, (Arr(z), *act.args[1:]), 1)))
            slope = [(slope_letters, worked)]
        came: tuple[Expr, Expr | None]
        if following is not None and goes_only_into(self.program, layer, following):
            across = f"{len(following.units)}×{len(layer.units)}"
            numbers: Expr | None = None
            if self.tape is not None:
                weights = np.array([[_weight(w, self.tape) for w in row] for row in following.weights()])
                behind = Arr(self.deltas[following.number], of=self.names([u.z for u in following.units], True))
                numbers = Call("matmul", (behind, Arr(weights, of=_weight_names(following, biases=False))))
            came = Call("matmul", (_d(following), Ref(f"W^({following.number})"))), numbers
            if following.has_bias:
                across += (
                    f" (W_+^({following.number}) without the bias column: a neuron that is always 1 passes nothing"
                )
                across += " back)"
            sizes = [f"{self.count}×{len(following.units)}", across]
        else:
            self.each_row(layer)
            outputs = tuple(u.a for u in layer.units)
            known = Arr(self.columns(outputs, True), of=self.names(outputs, True)) if self.tape is not None else None
            came = Partial(self.program.symbol, _a(layer) if act is not None else _z(layer)), known
            sizes = [f"{self.count}×{len(layer.units)}"]
        sizes += [f"{self.count}×{len(layer.units)}"] * len(slope)
        self.page.text("Shapes: " + ", ".join(sizes) + ".")
        parts = [came, *slope]
        letters = Call("hadamard", tuple(p for p, _ in parts)) if slope else came[0]
        filled = [n for _, n in parts if n is not None]
        whole = Call("hadamard", tuple(filled)) if len(filled) > 1 else filled[0] if filled else None
        self.deltas[layer.number] = self.line(
            _d(layer), letters, whole, names=self.names([u.z for u in layer.units], True)
        )

    def softmax_with_cross_entropy(self, layer: Layer) -> bool:
        """D = A - Y, where the cost is the cross entropy of the softmax and each row of the target adds up to 1."""
        cost, found = self.network.cost, layer.whole
        assert cost is not None
        if found is None or len(layer.units) < 2:
            return False
        shape = (len(layer.units),)
        through_a = layer.activation is not None and layer.activation.op == "softmax"
        name, of = ("cross_entropy", found[3]) if through_a else ("softmax_cross_entropy", found[2])
        if layer.activation is not None and (not through_a or not goes_only_into(self.program, layer, None)):
            return False
        same = (t for t in self.network.targets if NAMED[name].own(of, Ref(t.name), shape) == cost.own)
        target = next(same, None)
        if target is None:
            return False
        numbers: Expr | None = None
        gives: Expr = _a(layer) if through_a else Call("softmax", (_z(layer),))
        if self.tape is not None:
            y = self.columns(tuple(target.entries()))
            if np.any(np.abs(y.sum(axis=1) - 1.0) > 1e-12):
                return False
            z = self.given[layer.number]
            first: Expr = Arr(z) if through_a else _softmax_rows(z)
            if not through_a and len(z) > WRITTEN_ROWS:
                gives, first = Ref("P"), Arr(self.rowwise(Ref("P"), Call("softmax", (_z(layer),)), z))
            numbers = Call("add", (first, Call("neg", (Arr(y),))))
        size = f"{self.count}×{len(layer.units)}"
        when = "adds up to 1" if self.tape is not None else "adds up to 1, as it has to"
        self.page.text(
            f"Softmax and cross entropy together: ∂{self.program.symbol.name}/∂z of a row is the softmax less the"
            f" target, since each row of Y, the target, {when}. Shapes: {size}, {size}."
        )
        letters = Call("add", (gives, Call("neg", (Ref("Y"),))))
        self.deltas[layer.number] = self.line(_d(layer), letters, numbers)
        return True

    def rows_own(self, layer: Layer) -> None:
        """Where the form has no factor for it, ∂L/∂z as it is worked in a row, and the rows' results side by side."""
        lines = list(own_lines(self.program, (r.name for u in layer.units for r in (u.a, u.z))))
        if self.tape is None:
            self.page.add(*(Formula(renamed(li.left, self.rename), renamed(li.letters, self.rename)) for li in lines))
        else:
            self.page.text(f"In row {self.tape.rows[0]}, and in every row alike:")
            scene = Scene(self.tape, self.gradients, 0, self.rename)
            self.page.add(*(line_step(scene, line) for line in lines))
        known = Arr(self.columns(tuple(u.z for u in layer.units), True)) if self.tape is not None else None
        self.deltas[layer.number] = self.line(_d(layer), Partial(self.program.symbol, _z(layer)), known)

    def each_row(self, layer: Layer, most: int = 4) -> None:
        """What the entries of ∂L/∂A are, unit by unit."""
        runs: list[Inline] = []
        for unit in layer.units[:most]:
            detail = self.program.formula(unit.a)
            if detail is not None:
                of = renamed(Partial(self.program.symbol, unit.a), self.rename)
                runs += [", " if runs else "", of, " = ", renamed(through(self.program, detail), self.rename)]
        if runs:
            more = ", and so on," if len(layer.units) > most else ""
            end = " is one entry." if len(layer.units) == 1 else f"{more} are its entries."
            self.page.text("Each row's ", *runs, end)

    # the gradients -------------------------------------------------------------------------------------------

    def gradient(self, layer: Layer) -> None:
        page, cost = self.page, self.network.cost
        assert cost is not None
        w, units, comes_in = _weights(layer), len(layer.units), len(layer.sources) + layer.has_bias
        there = [[*row, u.bias] if layer.has_bias else row for row, u in zip(layer.weights(), layer.units, strict=True)]
        product: Expr = Call("matmul", (Call("transpose", (_d(layer),)), _source(layer)))
        numbers: Expr | None = None
        said = f"{units}×{self.count} times {self.count}×{comes_in} gives {units}×{comes_in}"
        if self.tape is not None:
            come, back, first = self.inputs[layer.number], self.deltas[layer.number], self.tape.rows[0]
            page.text(said + (f"; row {first} alone:" if self.tape.count > 1 else "."))
            if self.tape.count > 1:
                row = Partial(self.program.symbol, w)
                letters = Call("outer", (at_row(_d(layer), first), at_row(_source(layer), first)))
                outer = Call("outer", (as_expr(back[0]), as_expr(come[0])))
                self.line(at_row(row, first), where_weights_are(letters, there), where_weights_are(outer, there))
            known = Arr(back, of=self.names([u.z for u in layer.units], True))
            brought = Arr(come, of=self.names(layer.sources, ones=layer.has_bias))
            numbers = Call("matmul", (Call("transpose", (known,)), brought))
        else:
            page.text(f"{said}.")
        if cost.mean:
            product = div(product, Ref("N"))
            numbers = Call("div", (numbers, Num(float(self.count)))) if numbers is not None else None
        shared = shares_weights(layer, self.view, self.program)
        penalised = any(ref.name in self.program.penalty for ref in layer.parameters())
        remark = "this layer's part" if shared else "without the penalty" if penalised else ""
        self.line(
            Partial(Ref(cost.name), w),
            where_weights_are(product, there),
            where_weights_are(numbers, there) if numbers is not None else None,
            remark,
        )
        if penalised:
            page.note("The penalty's own derivative is added to this once a step.")
        if shared:
            page.note("A weight that stands in several places has the sum of their entries as its partial.")


def _softmax_rows(z: np.ndarray) -> Call:
    return Call("stack", tuple(Call("softmax", (Arr(row),)) for row in z))


def _z(layer: Layer) -> Ref:
    return Ref(f"Z^({layer.number})")


def _a(layer: Layer) -> Ref:
    return Ref(f"A^({layer.number})")


def _d(layer: Layer) -> Ref:
    return Ref(f"D^({layer.number})")


def _source(layer: Layer) -> Ref:
    """What comes into a layer, with the column of ones: X_+, A_+^(1)."""
    plus = "_+" if layer.has_bias else ""
    return Ref(f"X{plus}" if layer.number == 1 else f"A{plus}^({layer.number - 1})")


def _weights(layer: Layer) -> Ref:
    """A layer's weights, with the column of the biases: W_+^(2)."""
    return Ref(f"W{'_+' if layer.has_bias else ''}^({layer.number})")


def through(program: Program, formula: Expr) -> Expr:
    """A ∂ in letters with plain differences looked through: ∂C/∂A1 = ∂C/∂u·1 shown as 2·u."""
    while isinstance(formula, Partial):
        inner = program.formula(formula.by)
        if inner is None:
            break
        formula = inner
    return formula


def columns(values: Mapping[str, np.ndarray], refs: tuple[Ref, ...]) -> np.ndarray:
    """Entries side by side, a row per example."""
    parts = []
    for ref in refs:
        at: tuple[slice | int, ...] = (slice(None), *ref.place)
        parts.append(values[ref.name][at])
    return np.stack(parts, axis=1)


def _weight(ref: Ref | None, tape: Tape) -> float:
    return 0.0 if ref is None else float(tape.value(ref, 0))


def _weight_names(layer: Layer, biases: bool = True) -> np.ndarray:
    """What the weights are called, a row per unit."""
    rows = [list(row) for row in layer.weights()]
    if layer.has_bias and biases:
        rows = [[*row, u.bias] for row, u in zip(rows, layer.units, strict=True)]
    found = np.full((len(rows), len(rows[0])), None, dtype=object)
    for i, row in enumerate(rows):
        for j, name in enumerate(row):
            found[i, j] = name
    return found


def _weights_with_bias(layer: Layer, tape: Tape) -> np.ndarray:
    rows = [[_weight(w, tape) for w in row] for row in layer.weights()]
    if layer.has_bias:
        rows = [[*row, _weight(u.bias, tape)] for row, u in zip(rows, layer.units, strict=True)]
    return np.array(rows)
