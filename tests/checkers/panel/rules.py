"""Rules that misbehave, for the host to hold; in a module, so that a spawned process finds them."""

from __future__ import annotations

import os

from bench.checkers.panel.base import Ruling


def same(gold: str, prediction: str) -> Ruling:
    return Ruling(gold == prediction, "compared")


def hangs(gold: str, prediction: str) -> Ruling:
    if prediction == "hang":
        while True:  # CPU time is what is limited
            pass
    return same(gold, prediction)


def dies(gold: str, prediction: str) -> Ruling:
    if prediction == "die":
        os._exit(3)
    return same(gold, prediction)


def raises(gold: str, prediction: str) -> Ruling:
    raise ArithmeticError("no such\nluck")


def prints(gold: str, prediction: str) -> Ruling:
    print("noise")
    os.write(1, b"more noise\n")
    return same(gold, prediction)


def devours(gold: str, prediction: str) -> Ruling:
    return Ruling(len(bytearray(64 << 30)) > 0, "there was room")


def lacks(gold: str, prediction: str) -> Ruling:
    import no_such_package  # type: ignore[import-not-found]

    return Ruling(no_such_package.equal(gold, prediction), "compared")
