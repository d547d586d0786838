"""The program a zygote runs in itself before its first fork, so that no child pays for it.

Imports cost a second and the first call of a sympy function tens of milliseconds: numpy loads
`random` and `linalg` on first touch, sympy fills its caches and builds its assumption tables. Only
what typical steps use is warmed; more calls were measured to add little. scipy has a zygote of its
own: it makes every fork dearer, and few programs name it.
"""

PRELOAD = """
import bisect, cmath, collections, copy, decimal, fractions, functools, heapq, itertools, math
import operator, random, re, statistics, string
import numpy, numpy.fft, numpy.linalg, numpy.polynomial, numpy.random
import sympy, sympy.core.random
from sympy import *

x, y, n = symbols("x y n")
solve(x**2 - 5*x + 6, x), solve([x + y - 3, x - y - 1], [x, y]), solve(Eq(x**3, 8), x)
solve(sqrt(x + 3) - 2, x), solveset(x**2 - 2, x), nsolve(x**3 - 2, 1), roots(x**2 - 4)
simplify((x**2 - 1)/(x - 1)), factor(x**3 - 1), expand((x + 1)**5), together(1/x + 1/y)
apart(1/(x*(x + 1))), trigsimp(sin(x)**2 + cos(x)**2), nsimplify(0.5), radsimp(1/sqrt(2))
integrate(x**2*sin(x), x), integrate(x**2, (x, 0, 1)), diff(sin(x)*exp(x), x)
limit(sin(x)/x, x, 0), series(exp(x), x, 0, 3), summation(n**2, (n, 1, 9)), Sum(n, (n, 1, 3)).doit()
Matrix([[1, 2], [3, 4]]).inv(), Matrix([[1, 2], [3, 4]]).eigenvals(), Matrix([[2, 1], [1, 3]]).det()
factorint(360), divisors(36), isprime(97), gcd(12, 18), lcm(4, 6), binomial(10, 3), factorial(6)
Rational(3, 4) + Rational(1, 3), sqrt(8), pi.evalf(20), N(sqrt(2)), Mod(7, 3), re(3 + 4*I), Abs(-3)
str(sqrt(x)/2), latex(x**2/3), Point(0, 0).distance(Point(3, 4)), sympify("x**2 + 1").subs(x, 2)
numpy.linalg.solve(numpy.eye(3), numpy.ones(3)), numpy.arange(6).reshape(2, 3).sum(axis=0)
str(numpy.array([1.5, 2.5])), str(decimal.Decimal("0.1")), statistics.mean([1, 2])
"""

HEAVY_PRELOAD = (
    PRELOAD
    + """
import scipy, scipy.integrate, scipy.interpolate, scipy.linalg, scipy.optimize, scipy.special
import scipy.stats
scipy.optimize.fsolve(lambda v: v**2 - 2, 1.0), scipy.optimize.brentq(lambda v: v - 1, 0, 3)
scipy.optimize.minimize(lambda v: (v - 1)**2, 0.0), scipy.integrate.quad(lambda v: v, 0, 1)
scipy.special.comb(5, 2), scipy.stats.norm.cdf(1.0), lambdify(x, x**2 + 1)(2)
"""
)
"""For chains that name scipy, or what imports it: a zygote of its own, started when one does."""
