"""Sums of squares found by a solver in floating point, and made exact.

Wanted are positive semidefinite matrices `Q_b` and polynomials `l_j` with

    target = sum over blocks of weight_b * basis_b^T Q_b basis_b  +  sum of l_j * equality_j

in rational numbers. Clarabel maximises `t` with every `Q_b - t I` positive semidefinite. With `t`
above 0 the free entries of its answer are rounded, the others solved for exactly, and the result
is tested exactly. With `t` at 0 the matrices that exist have a null space in common; where it is
rational the bases are cut down to what is orthogonal to it (facial reduction), and so on. Nothing
of the solver's enters a proof but a guess.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq_mat, fmpz_mat
from numpy.typing import NDArray

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Exponents,
    Floats,
    Polynomial,
    from_flint,
    make,
    size_of,
    terms_of,
    to_flint,
    to_json,
)

MOST_UNKNOWNS = 12_000
"""Entries of all matrices together, above which a program is not tried."""
ROUNDS = 6
"""Facial reductions of one program at most."""
INFEASIBLE = -2e-5
"""`t` below which no matrices exist, as far as the solver can tell."""
INSIDE = 1e-9
"""`t` above which rounding is tried."""
SURE = 1e-5
"""`t` above which no reduction helps where rounding fails: the program is badly scaled."""
MOST_T = 1.0
"""`t` that is enough; the matrices are scaled to entries of such a size."""
DENOMINATORS = (2**12, 2**20, 2**30, 2**40)
"""What free entries are rounded to, in turn."""

Row = list[int]


@dataclass(slots=True)
class Block:
    """A weight, and the monomials whose combinations are squared."""

    weight: Polynomial
    monomials: Sequence[Exponents]
    basis: list[Row] = field(default_factory=list)
    """Combinations of the monomials with integer coefficients; at first the monomials."""

    def __post_init__(self) -> None:
        """Begin with the monomials themselves."""
        if not self.basis:
            n = len(self.monomials)
            self.basis = [[int(i == j) for j in range(n)] for i in range(n)]


class Multiplied(NamedTuple):
    """An equality, and the monomials of the polynomial it is multiplied by."""

    equality: Polynomial
    monomials: Sequence[Exponents]


@dataclass(frozen=True, slots=True)
class Squares:
    """What was found: blocks of a certificate, and the equalities' multipliers in their order."""

    blocks: list[dict[str, Any]]
    multipliers: list[Polynomial]


@dataclass(slots=True)
class GramProgram:
    """One search for sums of squares."""

    target: Polynomial
    blocks: list[Block]
    equalities: Sequence[Multiplied] = ()
    stalled: bool = False
    """Whether matrices seem to exist that could not be made exact."""

    @property
    def unknowns(self) -> int:
        """How many numbers are looked for."""
        return sum(len(b.basis) * (len(b.basis) + 1) // 2 for b in self.blocks) + sum(
            len(each.monomials) for each in self.equalities
        )

    def reduce(self, block: int, null: Iterable[Sequence[Fraction]]) -> None:
        """Keep of a block's basis what is orthogonal to vectors over its monomials."""
        at = self.blocks[block]
        size, width = len(at.basis), len(at.monomials)
        basis = fmpz_mat(size, width, [c for row in at.basis for c in row])
        vectors = [[to_flint(Fraction(c)) for c in v] for v in null]
        products = fmpq_mat(len(vectors), width, [c for v in vectors for c in v])
        products = products * fmpq_mat(basis.transpose())
        kept = find_integer_null_space(
            [[from_flint(products[i, j]) for j in range(size)] for i in range(len(vectors))], size
        )
        if not kept:
            at.basis = []
            return
        rows = fmpz_mat(len(kept), size, [c for row in kept for c in row]) * basis
        at.basis = shorten([[int(rows[i, j]) for j in range(width)] for i in range(len(kept))])

    def solve(self, budget: Budget) -> Squares | None:
        """Return exact sums of squares; None where none was found, or the budget is spent."""
        self.stalled = False
        for _ in range(ROUNDS):
            if budget.left < 0.5 or not 0 < self.unknowns <= MOST_UNKNOWNS:
                return None
            budget.tried["sums of squares"] += 1
            system = _System(self)
            answer = system.maximise(budget)
            if answer is None:
                return None
            self.stalled = answer.t > INFEASIBLE
            if not self.stalled:
                return None
            if answer.t > INSIDE:
                found = system.make_exact(answer.x)
                if found is not None:
                    return found
            if answer.t > SURE or not self._cut_face(system, budget):
                return None
        return None

    def _cut_face(self, system: _System, budget: Budget) -> bool:
        """Reduce by the null space that all matrices seem to have; whether there is one."""
        answer = system.maximise(budget, lifted=False)
        if answer is None:
            return False
        matrices = system.matrices_of(answer.x, scaled=True)
        largest = max((float(abs(m).max()) for m in matrices if m.size), default=1.0) or 1.0
        matrices = [m / largest for m in matrices]
        values = np.sort(np.concatenate([np.linalg.eigvalsh(m) for m in matrices if m.size]))
        for below in find_gaps(values):
            done = False
            for index, m in enumerate(matrices):
                done |= self._reduce_numerically(index, m, system.scales[index], below)
            if done:
                return True
        return False

    def _reduce_numerically(self, index: int, m: Floats, scale: Floats, below: float) -> bool:
        if not m.size:
            return False
        values, vectors = np.linalg.eigh(m)
        count = int((values < below).sum())
        if not count:
            return False
        basis = self.blocks[index].basis
        if count == len(basis):
            self.blocks[index].basis = []
            return True
        rational = find_rational_basis(vectors[:, :count] * scale[:, None])
        if rational is None:
            return False
        self.reduce(index, [lift(basis, v) for v in rational])
        return True


class Answer(NamedTuple):
    """What the solver says."""

    x: Floats
    t: float


class _System:
    """A program as linear equations over the matrices' entries, and as the solver wants it."""

    def __init__(self, program: GramProgram) -> None:
        self.program = program
        self.rows: dict[Exponents, int] = {}
        target = terms_of(program.target)
        for exponents in target:
            self._row(exponents)
        self.columns: list[dict[int, Fraction]] = []
        for block in program.blocks:
            self.columns += self._columns_of_block(block)
        self.in_blocks = len(self.columns)
        for each in program.equalities:
            self.columns += self._columns_of_equality(each)
        self.right = [Fraction(0)] * len(self.rows)
        for exponents, c in target.items():
            self.right[self._row(exponents)] = c
        self.scales = [
            np.array([1 / math.sqrt(sum(x * x for x in row)) for row in block.basis])
            for block in program.blocks
        ]
        """A basis vector times its scale has length 1."""

    def _row(self, exponents: Exponents) -> int:
        return self.rows.setdefault(exponents, len(self.rows))

    def _columns_of_block(self, block: Block) -> Iterator[dict[int, Fraction]]:
        n = size_of(self.program.target)
        vectors = [combine(n, block.monomials, row) for row in block.basis]
        for i, left in enumerate(vectors):
            weighted = left * block.weight
            for j in range(i, len(vectors)):
                product = weighted * vectors[j]
                times = 1 if i == j else 2
                yield {self._row(e): times * c for e, c in terms_of(product).items()}

    def _columns_of_equality(self, each: Multiplied) -> Iterator[dict[int, Fraction]]:
        terms = terms_of(each.equality)
        for m in each.monomials:
            yield {
                self._row(tuple(a + b for a, b in zip(m, e, strict=True))): c
                for e, c in terms.items()
            }

    def _units(self) -> Floats:
        """Return what each unknown of the solver's is worth: scaled bases have scaled entries."""
        found = [
            scale[i] * scale[j]
            for scale in self.scales
            for i in range(len(scale))
            for j in range(i, len(scale))
        ]
        return np.array(found + [1.0] * (len(self.columns) - self.in_blocks))

    def _matrix(self) -> Floats:
        """Return the equations' coefficients for scaled unknowns, shape (rows, unknowns)."""
        a = np.zeros((len(self.rows), len(self.columns)))
        for j, column in enumerate(self.columns):
            for i, c in column.items():
                a[i, j] = float(c)
        return a * self._units()

    def maximise(self, budget: Budget, *, lifted: bool = True) -> Answer | None:
        """Ask the solver for the largest `t`; with `lifted` unset, for any matrices (`t` = 0)."""
        import clarabel
        from scipy.linalg import qr
        from scipy.sparse import csc_matrix, vstack

        a, b = self._matrix(), np.array([float(c) for c in self.right])
        size = max(1.0, float(abs(b).max()))
        b = b / size
        lengths = np.maximum(np.linalg.norm(a, axis=1), 1e-12)
        a, b = a / lengths[:, None], b / lengths
        # The solver fails on equations that depend on one another.
        _, r, order = qr(a.T, mode="economic", pivoting=True)
        diagonal = abs(np.diag(r))
        rank = (
            int((diagonal > 1e-9 * max(float(diagonal[0]), 1e-300)).sum()) if len(diagonal) else 0
        )
        kept = sorted(order[:rank])
        a, b = a[kept], b[kept]
        unknowns = a.shape[1] + 1
        rows = [csc_matrix(np.hstack([a, np.zeros((len(a), 1))]))]
        right, cones = [b], [clarabel.ZeroConeT(len(b))]
        start = 0
        for block in self.program.blocks:
            if k := len(block.basis):
                rows.append(_list_triangle(k, start, unknowns))
                right.append(np.zeros(k * (k + 1) // 2))
                cones.append(clarabel.PSDTriangleConeT(k))
                start += k * (k + 1) // 2
        # By contradiction `t` may grow without end, which the solver takes for a failure.
        rows.append(csc_matrix(([1.0], ([0], [unknowns - 1])), shape=(1, unknowns)))
        right.append(np.full(1, MOST_T if lifted else 0.0))
        cones.append(clarabel.NonnegativeConeT(1) if lifted else clarabel.ZeroConeT(1))
        goal = np.zeros(unknowns)
        goal[-1] = -1.0 if lifted else 0.0
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_iter = 120
        settings.max_threads = 1
        stacked = csc_matrix(vstack(rows))
        solver = clarabel.DefaultSolver(
            csc_matrix((unknowns, unknowns)), goal, stacked, np.concatenate(right), cones, settings
        )
        # Not the solver's own limit, which is of wall time.
        solver.set_termination_callback(lambda info: budget.is_spent)
        solution = solver.solve()
        if str(solution.status) not in (
            "Solved",
            "AlmostSolved",
            "InsufficientProgress",
            "MaxIterations",
        ):
            return None
        x = np.array(solution.x)
        return Answer(x[:-1] * size * self._units(), float(x[-1]))

    def matrices_of(self, x: Floats, *, scaled: bool = False) -> list[Floats]:
        """Return the blocks' matrices; for bases of length 1 where `scaled`."""
        found, at = [], 0
        for block, scale in zip(self.program.blocks, self.scales, strict=True):
            k = len(block.basis)
            m = np.zeros((k, k))
            for i in range(k):
                m[i, i:] = x[at : at + k - i]
                m[i:, i] = m[i, i:]
                at += k - i
            found.append(m / np.outer(scale, scale) if scaled and k else m)
        return found

    def make_exact(self, x: Floats) -> Squares | None:
        """Round the free unknowns, solve for the others, and test the matrices exactly."""
        from scipy.linalg import qr

        a, units = self._matrix(), self._units()
        _, r, order = qr(a, mode="economic", pivoting=True)
        diagonal = abs(np.diag(r))
        rank = _count_large(diagonal)
        pivots = list(order[:rank])
        rows = list(range(len(self.rows)))
        if rank < len(rows):
            _, _, best = qr(a[:, pivots].T, mode="economic", pivoting=True)
            rows = sorted(best[:rank])
        place = {row: i for i, row in enumerate(rows)}
        square = fmpq_mat(rank, rank)
        for j, column in enumerate(pivots):
            for i, c in self.columns[column].items():
                if i in place:
                    square[place[i], j] = to_flint(c)
        for denominator in DENOMINATORS:
            exact = self._round(x, units, denominator, pivots)
            rest = self._remainder(exact)
            try:
                solved = square.solve(fmpq_mat(rank, 1, [to_flint(rest[i]) for i in rows]))
            except ZeroDivisionError:
                return None
            for j, column in enumerate(pivots):
                exact[column] = from_flint(solved[j, 0])
            if any(self._remainder(exact)):
                return None  # the equations that were left out say otherwise
            found = self._read(exact)
            if found is not None:
                return found
        return None

    def _round(
        self, x: Floats, units: Floats, denominator: int, pivots: Sequence[int]
    ) -> list[Fraction]:
        exact = [Fraction(0)] * len(x)
        skipped = set(pivots)
        for j, value in enumerate(x):
            if j not in skipped:
                fine = denominator * max(1, int(1 / max(abs(float(units[j])), 1e-30)))
                exact[j] = Fraction(round(float(value) * fine), fine)
        return exact

    def _remainder(self, exact: Sequence[Fraction]) -> list[Fraction]:
        rest = list(self.right)
        for value, column in zip(exact, self.columns, strict=True):
            if value:
                for i, c in column.items():
                    rest[i] -= c * value
        return rest

    def _read(self, exact: Sequence[Fraction]) -> Squares | None:
        """Return the certificate's blocks; None where a matrix is not positive semidefinite."""
        n, at, blocks = size_of(self.program.target), 0, []
        for block in self.program.blocks:
            k = len(block.basis)
            gram = [[Fraction(0)] * k for _ in range(k)]
            for i in range(k):
                for j in range(i, k):
                    gram[i][j] = gram[j][i] = exact[at]
                    at += 1
            if not any(any(row) for row in gram):
                continue
            if not is_positive_semidefinite(gram):
                return None
            blocks.append(
                {
                    "weight": to_json(block.weight),
                    "basis": [
                        to_json(
                            make(
                                n,
                                {
                                    m: Fraction(c)
                                    for m, c in zip(block.monomials, row, strict=True)
                                    if c
                                },
                            )
                        )
                        for row in block.basis
                    ],
                    "gram": [[str(c) for c in row] for row in gram],
                }
            )
        multipliers = []
        for each in self.program.equalities:
            terms = dict(zip(each.monomials, exact[at : at + len(each.monomials)], strict=True))
            at += len(each.monomials)
            multipliers.append(make(n, {m: c for m, c in terms.items() if c}))
        return Squares(blocks, multipliers)


def _count_large(diagonal: NDArray[Any]) -> int:
    """Return the rank that a pivoted QR's diagonal shows."""
    return int((diagonal > 1e-9 * max(float(diagonal[0]), 1e-300)).sum()) if len(diagonal) else 0


def combine(n: int, monomials: Sequence[Exponents], row: Row) -> Polynomial:
    """Return a combination of monomials as a polynomial."""
    return make(n, {m: Fraction(c) for m, c in zip(monomials, row, strict=True) if c})


def _list_triangle(k: int, start: int, unknowns: int) -> Any:
    """Return the rows by which the solver reads a matrix of `k` rows, less `t` on its diagonal."""
    from scipy.sparse import csc_matrix

    rows, columns, values = [], [], []
    for i in range(k):
        for j in range(i, k):
            at = j * (j + 1) // 2 + i  # the solver stacks the columns of the upper triangle
            rows.append(at)
            columns.append(start + i * k - i * (i - 1) // 2 + (j - i))
            values.append(-1.0 if i == j else -math.sqrt(2))
            if i == j:
                rows.append(at)
                columns.append(unknowns - 1)
                values.append(1.0)
    return csc_matrix((values, (rows, columns)), shape=(k * (k + 1) // 2, unknowns))


def is_positive_semidefinite(gram: Sequence[Sequence[Fraction]]) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by exact elimination."""
    a = [[to_flint(c) for c in row] for row in gram]
    for k in range(len(a)):
        pivot = a[k][k]
        if pivot < 0:
            return False
        if pivot == 0:
            if any(a[k][j] != 0 for j in range(k + 1, len(a))):
                return False
            continue
        for i in range(k + 1, len(a)):
            if a[k][i] != 0:
                factor = a[k][i] / pivot
                for j in range(i, len(a)):
                    a[i][j] -= factor * a[k][j]
    return True


def find_integer_null_space(rows: Sequence[Sequence[Fraction]], n: int) -> list[Row]:
    """Return integer vectors that span what all rows are orthogonal to."""
    if not rows:
        return [[int(i == j) for j in range(n)] for i in range(n)]
    reduced, rank = fmpq_mat(len(rows), n, [to_flint(c) for row in rows for c in row]).rref()
    pivots = [next(j for j in range(n) if reduced[i, j] != 0) for i in range(rank)]
    found = []
    for free in range(n):
        if free in pivots:
            continue
        v = [Fraction(0)] * n
        v[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            v[pivot] = -from_flint(reduced[i, free])
        common = math.lcm(*(c.denominator for c in v))
        found.append([int(c * common) for c in v])
    return found


def shorten(rows: list[Row]) -> list[Row]:
    """Return short vectors of the same lattice: small numbers condition the solver's problem."""
    if not rows:
        return rows
    reduced = fmpz_mat(len(rows), len(rows[0]), [c for row in rows for c in row]).lll()
    return [[int(reduced[i, j]) for j in range(len(rows[0]))] for i in range(len(rows))]


def find_rational_basis(
    vectors: Floats, most: int = 60, tolerance: float = 2e-3
) -> list[list[Fraction]] | None:
    """Return rational vectors that span the columns, shape (n, k); None where none are near."""
    a = vectors.T.copy()
    pivots: list[int] = []
    for i in range(len(a)):
        left = abs(a[i:])
        left[:, pivots] = 0
        row, column = divmod(int(np.argmax(left)), left.shape[1])
        row += i
        if abs(a[row, column]) < 1e-6:
            return None
        a[[i, row]] = a[[row, i]]
        a[i] /= a[i, column]
        for other in range(len(a)):
            if other != i:
                a[other] -= a[other, column] * a[i]
        pivots.append(column)
    found = []
    for found_row in a.tolist():
        rational = [Fraction(x).limit_denominator(most) for x in found_row]
        if max(abs(float(r) - x) for r, x in zip(rational, found_row, strict=True)) > tolerance:
            return None
        found.append(rational)
    return found


def lift(basis: Sequence[Row], v: Sequence[Fraction]) -> list[Fraction]:
    """Return the shortest vector over the monomials whose products with the basis are `v`."""
    k = len(basis)
    products = fmpq_mat(
        k, k, [sum(a * b for a, b in zip(x, y, strict=True)) for x in basis for y in basis]
    )
    solved = products.solve(fmpq_mat(k, 1, [to_flint(c) for c in v]))
    weights = [from_flint(solved[i, 0]) for i in range(k)]
    return [
        sum((w * row[j] for w, row in zip(weights, basis, strict=True)), Fraction(0))
        for j in range(len(basis[0]))
    ]


def find_gaps(values: Floats) -> list[float]:
    """Return where eigenvalues that should be 0 end, likeliest first: at the widest gaps."""
    kept = [max(float(v), 1e-12) for v in values]
    gaps = [(b / a, math.sqrt(a * b)) for a, b in zip(kept, kept[1:], strict=False) if a < 1e-3]
    return [at for ratio, at in sorted(gaps, reverse=True)[:2] if ratio > 8]


def reduce_blocks(program: GramProgram, null: Mapping[int, list[list[Fraction]]]) -> GramProgram:
    """Return the program with blocks reduced by known null vectors, by block."""
    for index, vectors in null.items():
        program.reduce(index, vectors)
    return program
