"""The reader of inequalities: any text is a statement that prints as it was read, or is refused."""

from __future__ import annotations

from bench.inequalities.statements import format_text, from_json, to_json
from bench.inequalities.texts.reading import StatementError, read_statement

SEEDS = (
    b"a^2 + b^2 >= 2ab with a, b > 0",
    b"if a, b > 0 then a/b + b/a >= 2",
    rb"\frac{a}{b} + \frac{b}{a} \ge 2 \text{ for } a, b > 0",
    "theorem P (a b : ℝ) (h : a > 0 ∧ b > 0) : 2 * a * b ≤ a ^ 2 + b ^ 2 := by sorry".encode(),
    b"0 < x and x < 1 implies sqrt(x*(1-x)) <= 1/2",
    rb"\sqrt{x^2+1} \geq |x|",
    "example (x y : ℝ) (h₀ : x + y = 1) : x^2 + y^2 ≥ 1/2".encode(),
    b"x^(1/3) + y^(1/3) <= 2 for positive real x, y with x + y = 2",
    b"(a+b+c)^3 >= 27abc, a >= 0, b >= 0, c >= 0",
    rb"\left(x+\tfrac{1}{x}\right)^{2} \geq 4,\quad x \neq 0",
    b"for real foo, bar: foo*foo + bar*bar >= 0",
    "∀ x > 0, x + 1 / x ≥ 2".encode(),
)
FOUND = (b"\\frac{be \\text{ mark" + b"M" * 120 + b"f } a r } ab > p",)


def try_input(data: bytes) -> None:
    """Read a text; print and store what was read, and read that."""
    text = data.decode("utf-8", "replace")
    try:
        read = read_statement(text)
    except StatementError:
        return
    if from_json(to_json(read)) != read:
        raise AssertionError(f"{text!r} is stored as another statement: {to_json(read)}")
    printed = format_text(read)
    try:
        again = read_statement(printed)
    except StatementError as error:
        raise AssertionError(f"{text!r} prints as {printed!r}, which is refused: {error}") from None
    if again != read:
        raise AssertionError(f"{text!r} prints as {printed!r}, which is read as another: {again}")
