"""Any graph of operations on the compiled tape: single numbers, several rows or several networks at a time.

Very small networks, skips, products, shared weights and costs of one's own go here; below about a hundred weights it
is faster than the dense engine. The same tape with a network to a lane trains thousands of networks at once.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping

import numpy as np

from ..errors import NumberError, UsageError
from ..network.build import Problem
from ..ops.updates import RULES
from .compiled import RULES as RULE_NUMBERS
from .compiled import SLICE, Work, checked_choices, library, missing_library
from .dense import Matrix, Progress, checked_order, numbers_of
from .reference import Array, starting_values
from .tape import Steps, refused
from .training import settings_of

PART = 128  # networks, the least that are worked in one call, so that Ctrl-C is answered


class GraphNet:
    """One network, or many of one graph, on the compiled tape.

    Args:
        problem: the sheet's network, data and plan; its own mode is not looked at.
        networks: how many; each with its own parameters, all beginning with the sheet's.
        dtype, threads, instruction_set: as for `CompiledNet`.
        batch: rows of a step; None for all of them.
    Raises:
        UsageError: no library, or a network with something that the tape has no step for.
    """

    def __init__(
        self, problem: Problem, networks: int = 1, dtype: str = "float32", threads: int | None = None,
        instruction_set: str | None = None, batch: int | None = None,
    ) -> None:  # fmt: skip
        network, found = problem.network, library()
        if found is None:
            raise missing_library("the compiled engine is not here")
        if network.cost is None:
            raise refused("it has no cost")
        if networks < 1:
            raise UsageError("there is at least one network", expected="1 or more", got=str(networks))
        self.problem, self.plan, self.network, self.networks = problem, problem.plan, network, networks
        self.dtype, self.threads, self.instruction_set = checked_choices(dtype, threads, instruction_set)
        self._library = found
        rows = problem.table.rows if problem.table is not None else 1
        self.batch = min(batch or rows, rows)
        if self.batch < 1:
            raise UsageError("a batch has at least one row", expected="1 or more", got=str(batch))
        self._steps = Steps(network, self.batch)
        self._check_count(rows)
        self.parameters_in_order = self._steps.parameters
        self._graph = self._steps.graph()
        self._data = self._rows(problem.table.columns if problem.table is not None else {})
        self._letters = [np.zeros((len(self.parameters_in_order), networks), self.dtype)
                         for _ in RULES[self.plan.rule].state]  # fmt: skip
        self._at_once = 8 * PART
        self.count, self._next, self.cost = 0, 0, np.zeros(networks, self.dtype)
        self.put(starting_values(network))

    def _check_count(self, rows: int) -> None:
        """
        Raises:
            UsageError: steps of different numbers of rows, and a penalty that depends on the number.
        """
        if self._steps.holds_count and (rows % self.batch or rows < self.batch):
            reason = f"{rows} rows are no whole number of batches of {self.batch}"
            raise refused(f"{reason}, and its cost holds how many a step has")

    def _rows(self, columns: Mapping[str, Array], missing: frozenset[str] = frozenset()) -> Matrix:
        """The data, [row, column of the tape]; names that are `missing` are 0."""
        found = []
        rows = len(next(iter(columns.values()))) if columns else 1
        for ref in self._steps.columns:
            at: tuple[slice | int, ...] = (slice(None), *ref.place)
            if ref.name in columns:
                found.append(columns[ref.name][at])
            elif ref.name in missing:
                found.append(np.zeros(rows))
            else:
                raise refused(f"there is no data for `{ref.name}`")
        return np.ascontiguousarray(np.stack(found, axis=1) if found else np.zeros((rows, 0)), self.dtype)

    def put(self, parameters: Mapping[str, Array]) -> None:
        """Sets the parameters of all networks; the state of the rule begins anew."""
        values = [parameters[r.name][r.place] for r in self.parameters_in_order]
        self.parameters = np.repeat(np.array(values, self.dtype)[:, None], self.networks, axis=1)
        self.count, self._next = 0, 0
        for letter in self._letters:
            letter[...] = 0

    def get(self, network: int = 0) -> dict[str, Array]:
        """The parameters of one network, by name."""
        return self._named(self.parameters[:, network])

    def state(self, network: int = 0) -> dict[str, dict[str, Array]]:
        """What the update rule keeps of one network: {"v": {"w1": …}}."""
        letters = zip(RULES[self.plan.rule].state, self._letters, strict=True)
        return {name: self._named(values[:, network]) for name, values in letters}

    def _named(self, values: Matrix) -> dict[str, Array]:
        found = {p.name: np.zeros(p.shape) for p in self.network.parameters}
        for ref, value in zip(self.parameters_in_order, values, strict=True):
            found[ref.name][ref.place] = value
        return found

    def train(self, steps: int, progress: Progress | None = None, order: Matrix | None = None) -> Matrix:
        """Steps of a batch each, going through the rows again and again; gives each network's cost in the last one.

        Args:
            order: which rows an epoch takes; None for all as they stand.
        Raises:
            NumberError: no network's cost is finite any more.
        """
        taken = checked_order(order, len(self._data))
        if taken is not None:
            self._check_count(len(taken))
        done, size = 0, 1
        while done < steps:
            size = min(size, steps - done)
            began = time.monotonic()
            self._work(size, order=taken)
            done, took = done + size, time.monotonic() - began
            self.count, self._next = self.count + size, self._next + size
            size = max(1, size * 2 if took < SLICE / 2 else int(size * SLICE / took) if took > SLICE else size)
            if not np.isfinite(self.cost).any():
                raise NumberError(
                    f"the cost is {self.cost[0]} after {done:,} steps", hint="a smaller rate, or scaled inputs"
                )
            if progress:
                progress(done, steps, float(np.nanmean(self.cost)))
        return self.cost.copy()

    def gradients(self, network: int = 0) -> dict[str, Array]:
        """∂C/∂(every parameter) of one network over the first batch, by name; its cost is in `cost`."""
        found = np.zeros_like(self.parameters)
        self._work(1, gradients=found, begin=0)
        return self._named(found[:, network])

    def predict(self, name: str, columns: Mapping[str, Array] | None = None, network: int = 0) -> Array:
        """The values of an equation for each row: of the sheet's data, or of others, by name; of one network.

        Raises:
            UsageError: the name has no slot on the tape, or columns are missing.
        """
        node = self.network.nodes.get(name)
        refs = list(node.entries()) if node is not None else []
        marks = [self._steps.slots[ref] for ref in refs if ref in self._steps.slots]
        if not refs or len(marks) < len(refs) or node is None:
            raise refused(f"it keeps no `{name}` for each row")
        targets = frozenset(t.name for t in self.network.targets)
        data = self._data if columns is None else self._rows(columns, targets)
        slots = np.array([self._steps.slot_of(mark) for mark in marks], np.int32)
        found = np.zeros((len(data), len(slots)), self.dtype)
        if not len(data):
            return found.reshape(0, *node.shape)
        own = np.ascontiguousarray(self.parameters[:, network])
        work = self._work_of(1, data, 0, min(len(data), 4096))
        work.parameters, work.networks = own.ctypes.data, 1
        self._check(self._library.backhand_graph_predict(
            self.dtype.itemsize, self.instruction_set.encode(), ctypes.byref(self._graph), ctypes.byref(work),
            slots.ctypes.data, len(slots), found.ctypes.data,
        ))  # fmt: skip
        return found.reshape(len(data), *node.shape)

    def _work(
        self, steps: int, order: Matrix | None = None, gradients: Matrix | None = None, begin: int | None = None
    ) -> None:
        work = self._work_of(steps, self._data, self._next if begin is None else begin, self.batch)
        work.gradients = gradients.ctypes.data if gradients is not None else None
        if order is not None:
            work.order, work.rows, work.batch = order.ctypes.data, len(order), min(self.batch, len(order))
        while work.from_ < self.networks:
            work.to = min(work.from_ + self._at_once, self.networks)
            began = time.monotonic()
            self._check(self._library.backhand_graph_train(
                self.dtype.itemsize, self.instruction_set.encode(), ctypes.byref(self._graph), ctypes.byref(work)
            ))  # fmt: skip
            work.from_, took = work.to, time.monotonic() - began
            if took < SLICE / 4 and self._at_once < self.networks:
                self._at_once *= 2
            elif took > SLICE and steps == 1:
                self._at_once = max(PART, self._at_once // 2)

    def _work_of(self, steps: int, data: Matrix, first: int, batch: int) -> Work:
        assert self.network.cost is not None
        numbers = numbers_of(self.plan.rule, tuple(settings_of(self.plan).values()), self.dtype)
        given = [*numbers, 0.0, 0.0, 0.0, 0.0][:4]
        letters = [letter.ctypes.data for letter in self._letters] + [None, None]
        return Work(
            data=data.ctypes.data, rows=len(data), batch=batch, mean=self.network.cost.mean,
            rule=RULE_NUMBERS.index(self.plan.rule), rate=self.plan.rate or 0.0, numbers=(ctypes.c_double * 4)(*given),
            count=self.count, first=first, steps=steps, networks=self.networks, threads=self.threads,
            parameters=self.parameters.ctypes.data, state=(ctypes.c_void_p * 2)(*letters[:2]),
            costs=self.cost.ctypes.data,
        )  # fmt: skip

    def _check(self, failed: int) -> None:
        if failed:
            raise MemoryError("no room for the tape") if failed == -1 else UsageError("no such instruction set")
