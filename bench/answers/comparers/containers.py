r"""Lists, tuples, sets and what stands in brackets, item by item.

Tuples and intervals are ordered; sets are not, and nor are bare lists (`-1, 2`), since "find all
solutions" has no order unless the other side names its values. A bare list may also stand for a
tuple, in order. The two ends of an interval must be open or closed alike.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.comparers.naming import is_name
from bench.answers.expressions import (
    EXPRESSIONS,
    Answer,
    Apply,
    Group,
    Listing,
    Matrix,
    Relation,
    Symbol,
)

ORDERED = ("(", ")")


_MAX_SIGNS = 4


def groups(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two answers in brackets."""
    gold, prediction = _unlabelled(gold, prediction), _unlabelled(prediction, gold)
    if not (isinstance(gold, Group) and isinstance(prediction, Group)):
        return None
    brackets = [(x.opening, x.closing) for x in (gold, prediction)]
    curly = [opening == "{" for opening, _ in brackets]
    size = len(gold.items)
    if all(curly):
        return items_verdict(
            unordered(_distinct(gold.items, asked), _distinct(prediction.items, asked), asked),
            "set",
            "elements",
        )
    if size != len(prediction.items):
        return Finding(False, "tuple", f"{size} items against {len(prediction.items)}")
    if brackets[0] != brackets[1] and (size == 2 or not any(curly)):
        # Two items in brackets may be an interval, where the kind of bracket is the answer.
        if size == 2 or ("(", "]") in brackets or ("[", ")") in brackets:
            return Finding(False, "interval", "different brackets")
    if any(curly) and ORDERED in brackets:
        return Finding(False, "set", "a set against a tuple")
    if any(curly):
        return items_verdict(unordered(gold.items, prediction.items, asked), "set", "elements")
    same = all_of([asked.same(g, p) for g, p in zip(gold.items, prediction.items, strict=True)])
    square = size == 2 and brackets[0] != ORDERED
    return items_verdict(same, "interval" if square else "tuple", "items in order")


def _unlabelled(x: Answer, other: Answer) -> Answer:
    """`A(1, 2)` as the point (1, 2), where the other side is a pair of coordinates."""
    point = isinstance(x, Apply) and len(x.function) == 1 and x.function.isupper()
    if point and isinstance(x, Apply) and isinstance(other, Group) and len(x.arguments) > 1:
        return Group("(", ")", x.arguments)
    return x


def lists(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """A bare list against another, a set or a tuple."""
    if not (isinstance(gold, Listing) or isinstance(prediction, Listing)):
        return None
    listing, other = (gold, prediction) if isinstance(gold, Listing) else (prediction, gold)
    if isinstance(listing, Listing) and isinstance(other, Group) and other.opening == "(":
        for tied in (True, False):
            spread = _spread(other, tied=tied)
            if spread is not None and len(spread.items) == len(listing.items):
                pair = (listing, spread) if listing is gold else (spread, listing)
                return lists(pair[0], pair[1], asked)
    joints = {x.joint for x in (gold, prediction) if isinstance(x, Listing)}
    if joints == {"and", "or"} and isinstance(gold, Listing):
        if all(isinstance(item, Symbol) for item in gold.items):
            return Finding(False, "list", "both against one of them")
    if not isinstance(other, Listing | Group):
        return _list_and_single(gold, prediction, asked)
    g, p = _items(gold), _items(prediction)
    if isinstance(other, Group):
        if other.opening == "{":
            return items_verdict(
                unordered(_distinct(g, asked), _distinct(p, asked), asked), "set", "elements"
            )
        if other.opening == "[" and other.closing == "]" and not asked.conventions.ordered_lists:
            return items_verdict(_as_named(gold, prediction, asked), "list", "items")
        if (other.opening, other.closing) != ORDERED:
            return Finding(False, "list", "a list against an interval")
        same = len(g) == len(p) and all_of([asked.same(x, y) for x, y in zip(g, p, strict=True)])
        return items_verdict(same, "tuple", "items in order")
    if isinstance(gold, Listing) and isinstance(prediction, Listing):
        g, p = _regrouped(gold, prediction, asked)
        if all(isinstance(x, Group) for x in (*g, *p)):
            g, p = tuple(_distinct(g, asked)), tuple(_distinct(p, asked))  # solutions, each once
    if asked.conventions.ordered_lists:
        same = len(g) == len(p) and all_of([asked.same(x, y) for x, y in zip(g, p, strict=True)])
        return items_verdict(same, "list", "items in order")
    if len(g) != len(_items(gold)) or len(p) != len(_items(prediction)):
        return items_verdict(unordered(g, p, asked), "list", "items")
    return items_verdict(_as_named(gold, prediction, asked), "list", "items")


def _as_named(gold: Answer, prediction: Answer, asked: Asked) -> bool | None:
    """Whether two lists have the same items, where one may name what the other only lists.

    `7, 3` is not `m = 3, n = 7`: the names say which value comes first, if in no other way then
    by the alphabet. Names of one kind (`x = 1, x = 2`) and names in words say nothing of order.
    """
    g, p = _items(gold), _items(prediction)
    orders = [(x, p) for x in _orders(gold, prediction)] or [
        (g, x) for x in _orders(prediction, gold)
    ]
    if not orders:
        return unordered(g, p, asked)
    found = [
        len(x) == len(y) and all_of([asked.same(a, b) for a, b in zip(x, y, strict=True)])
        for x, y in orders
    ]
    return True if True in found else None if None in found else False


def _orders(named: Answer, bare: Answer) -> list[tuple[Answer, ...]]:
    """The orders in which a bare list may give the values that another list names."""
    items = _items(named)
    if isinstance(named, Listing) and named.joint == "or":
        return []
    if any(isinstance(x, Relation) for x in _items(bare)):
        return []
    names = [
        x.sides[0]
        for x in items
        if isinstance(x, Relation) and x.signs == ("=",) and isinstance(x.sides[0], EXPRESSIONS)
    ]
    stems = [x.name.partition("_")[0] if isinstance(x, Symbol) else repr(x) for x in names]
    if len(names) < len(items) or len(set(stems)) < len(stems) or not all(map(is_name, names)):
        return []
    if not all(isinstance(x, Symbol) for x in names):
        return [items]
    alphabetical = sorted(range(len(stems)), key=lambda k: (stems[k].lower(), stems[k]))
    return [items, tuple(items[k] for k in alphabetical)]


def _spread(x: Group, *, tied: bool) -> Listing | None:
    """The tuples of `(±1, 0)`: all signs the upper or all the lower, or every combination."""
    choices = [
        item.items if isinstance(item, Listing) and item.joint == "±" else (item,)
        for item in x.items
    ]
    signs = [len(choice) for choice in choices if len(choice) > 1]
    if not signs or len(signs) > _MAX_SIGNS:
        return None
    if tied:
        tuples = [tuple(c[min(k, len(c) - 1)] for c in choices) for k in (0, 1)]
    else:
        tuples = list(itertools.product(*choices))
    return Listing(tuple(Group("(", ")", items) for items in tuples))


def _list_and_single(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """A list against one thing: equal only if all its items are that one thing."""
    listing = gold if isinstance(gold, Listing) else prediction
    assert isinstance(listing, Listing)
    if isinstance(gold, Matrix) or isinstance(prediction, Matrix):
        return None
    if any(isinstance(x, Relation) for x in listing.items):
        return None
    if listing.joint == "or":
        # `3/5, or 60 %`: one value, said twice.
        pairs = [(x, prediction) if listing is gold else (gold, x) for x in listing.items]
        if all(asked.same(*pair) for pair in pairs):
            return Finding(True, "list", "each of the ways to say it")
    return Finding(False, "list", f"{len(listing.items)} answers against one")


def _items(answer: Answer) -> tuple[Answer, ...]:
    return answer.items if isinstance(answer, Listing | Group) else (answer,)


def items_verdict(same: bool | None, comparer: str, what: str) -> Finding:
    """Return a finding on what was compared item by item."""
    return Finding(same, comparer, f"the same {what}" if same else f"not the same {what}")


def _distinct(items: Sequence[Answer], asked: Asked) -> list[Answer]:
    """The items of a set, each once."""
    found: list[Answer] = []
    for item in items:
        if item not in found:
            found.append(item)
    del asked
    return found


def unordered(gold: Sequence[Answer], prediction: Sequence[Answer], asked: Asked) -> bool | None:
    """Whether the items can be paired off, each with an equal one."""
    if len(gold) != len(prediction):
        return False
    # Those of one form first: a long list in another order is soon through.
    forms = Counter(prediction)
    rest: list[Answer] = []
    for item in gold:
        if forms[item]:
            forms[item] -= 1
        else:
            rest.append(item)
    left = list(forms.elements())
    undecided = False
    for item in rest:
        for index, other in enumerate(left):
            same = asked.same(item, other)
            if same:
                del left[index]
                break
            undecided = undecided or same is None
        else:
            return None if undecided else False
    return True


def _regrouped(
    gold: Listing, prediction: Listing, asked: Asked
) -> tuple[tuple[Answer, ...], tuple[Answer, ...]]:
    """`p=5, q=2, p=7, q=2` in pairs: the names come round again, and the other side has pairs."""
    sides = []
    for mine, other in ((gold, prediction), (prediction, gold)):
        items = mine.items
        names = [x.sides[0] for x in items if isinstance(x, Relation) and len(x.sides) == 2]
        if len(names) == len(items) and len(other.items) < len(items):
            period = next((k for k in range(1, len(names)) if names[k] == names[0]), 0)
            if period > 1 and len(names) % period == 0:
                items = tuple(
                    Listing(tuple(items[k : k + period])) for k in range(0, len(items), period)
                )
        sides.append(items)
    del asked
    return sides[0], sides[1]


def singletons(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """A set of one element against that element."""
    for one, other in ((gold, prediction), (prediction, gold)):
        if isinstance(one, Group) and one.opening == "{" and len(one.items) == 1:
            tuples = all(isinstance(x, Group) and x.opening == "(" for x in (one.items[0], other))
            if tuples:
                return asked.compare(
                    *((one.items[0], other) if one is gold else (other, one.items[0]))
                )
        single = isinstance(one, Group) and one.opening == "{" and len(one.items) == 1
        if single and isinstance(one, Group) and isinstance(other, EXPRESSIONS):
            pair = (one.items[0], other) if one is gold else (other, one.items[0])
            same = asked.same(*pair)
            return Finding(same, "set", "a set of one element against an element")
    return None
