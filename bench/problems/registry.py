"""Which benchmarks and training pools exist: row counts, file hashes, hub addresses, licences.

This is a table of facts and reads nothing. `bench.problems.mirror` and `bench.problems.hub` read
the rows it names. No hub revision was verified when it was written, and each entry says so:
`revision` is `UNVERIFIED`, and `evidence` names where the address and the columns were seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

UNVERIFIED = "unverified"
"""The revision of a hub dataset that nobody has pinned: what its `main` holds today is read."""

MATH_SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)


class Role(StrEnum):
    """What a set of problems may be used for."""

    EVAL = "eval"
    TRAIN = "train"


class Gold(StrEnum):
    """How the reference answer is taken out of the hub's answer column."""

    AS_IS = "as_is"
    AFTER_HASHES = "after_hashes"
    """What follows the last `####` of a GSM8K solution."""
    LAST_BOXED = "last_boxed"
    r"""The content of the last `\boxed{}` of a MATH solution; empty where there is none."""
    INTEGER = "integer"
    """A contest integer, printed as `025`, `25.0` or `25`."""
    FIRST_OF_LIST = "first_of_list"


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub keeps the rows, and under which column names."""

    id: str
    split: str
    configs: tuple[str | None, ...] = (None,)
    """Read one after the other; `None` is the dataset's default configuration."""
    question: str = "problem"
    answer: str = "answer"
    gold: Gold = Gold.AS_IS
    context: str | None = None
    """A column to put before the question, where a row has it."""
    key: str | None = None
    """The column that identifies a row; without one, rows are numbered from 0."""
    key_prefix: str | None = None
    """Put before the key, so that ids equal the mirror's; the default is `<name>-`."""
    level: str | None = None
    subject: str | None = None
    rows: int | None = None
    """Where the hub's copy has fewer rows than were published."""
    revision: str = UNVERIFIED
    evidence: str = "from memory, not checked"
    """Where the address and the columns were read."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One named set of problems."""

    name: str
    title: str
    file: str
    """Its file in a mirror directory."""
    rows: int
    """The published number of problems."""
    sha256: str
    """Of the mirror's file: a changed row is a different benchmark."""
    licence: str
    hub: Hub
    role: Role = Role.EVAL


_MATH = "MIT as released by hendrycks/math; the problems come from AoPS and MAA contests"
_MAA = "none stated; problems (c) MAA"
_LM_EVAL = "lm-evaluation-harness"

_ENTRIES = (
    Benchmark(
        name="math500",
        title="MATH-500",
        file="math500.jsonl",
        rows=500,
        sha256="56ec652705e08671b142d3a3878ae906f78096fe960c9c35f2eb910be1514cd8",
        licence="MIT as released by openai/prm800k; the problems come from AoPS and MAA contests",
        hub=Hub(
            id="HuggingFaceH4/MATH-500",
            split="test",
            key="unique_id",
            key_prefix="",
            level="level",
            subject="subject",
            evidence=f"{_LM_EVAL}, hendrycks_math500.yaml",
        ),
    ),
    Benchmark(
        name="math",
        title="MATH, test set",
        file="math_test.jsonl",
        rows=5000,
        sha256="786f381a3971d69f9d47611c0d3d139da89f23d3ed22eec13c3c96dc37651d32",
        licence=_MATH,
        hub=Hub(
            id="EleutherAI/hendrycks_math",
            split="test",
            configs=MATH_SUBJECTS,
            answer="solution",
            gold=Gold.LAST_BOXED,
            evidence=f"{_LM_EVAL}, hendrycks_math/*.yaml",
        ),
    ),
    Benchmark(
        name="aime2024",
        title="AIME 2024, I and II",
        file="aime2024.jsonl",
        rows=30,
        sha256="dbadc76cabe5fe9b6d16024b6a0912cf1a58e2dd3f7cc4b8366cd6295b08b743",
        licence=_MAA,
        hub=Hub(
            id="HuggingFaceH4/aime_2024",
            split="train",
            gold=Gold.INTEGER,
            evidence="lighteval, tasks/aime.py",
        ),
    ),
    Benchmark(
        name="aime2025",
        title="AIME 2025, I and II",
        file="aime2025.jsonl",
        rows=30,
        sha256="89360e0018085d100e49ca4a43d6d5c619303a0ee6bdbce6dd8e959dea7c11a8",
        licence=_MAA,
        hub=Hub(
            id="math-ai/aime25",
            split="test",
            gold=Gold.INTEGER,
            evidence=f"{_LM_EVAL}, aime25.yaml",
        ),
    ),
    Benchmark(
        name="amc2023",
        title="AMC 12 2023, the 40 problems with integer answers",
        file="amc2023.jsonl",
        rows=40,
        sha256="80c96e22b0604c3b556b4eae664a91d21443064f653482fa16046b6ecd220e37",
        licence=_MAA,
        hub=Hub(
            id="knoveleng/AMC-23",
            split="train",
            gold=Gold.INTEGER,
            evidence="sober-reasoning, lighteval_tasks.py",
        ),
    ),
    Benchmark(
        name="olympiadbench",
        title="OlympiadBench, open-ended English mathematics",
        file="olympiadbench_math_en.jsonl",
        rows=675,
        sha256="91f69a3e0f643cf4ee227f0fbaf38a722e87775f0d6ed2377fdd6a9b567a9752",
        licence="MIT (repository), Apache-2.0 (hub)",
        hub=Hub(
            id="Hothan/OlympiadBench",
            split="train",
            configs=("OE_TO_maths_en_COMP",),
            question="question",
            answer="final_answer",
            gold=Gold.FIRST_OF_LIST,
            context="context",
            key="id",
            key_prefix="olympiadbench-",
            subject="subfield",
            rows=674,
            evidence="SkyThought, olympiadbench_math_en.yaml; id and subfield from memory",
        ),
    ),
    Benchmark(
        name="college_math",
        title="CollegeMath",
        file="college_math.jsonl",
        rows=2818,
        sha256="81bcc691c1f7d6386bb8714a3740f5e55c4866ac1591f338b568934dab747c22",
        licence="mixed, stated per row: CC BY, CC BY-NC-SA, GNU FDL and own terms",
        hub=Hub(id="realtreetune/college_math", split="test"),
    ),
    Benchmark(
        name="gaokao2023en",
        title="Gaokao 2023, English translation",
        file="gaokao2023en.jsonl",
        rows=385,
        sha256="9f7ccfd0c8b9cfba70fdd1f246753613497c83947b353ddf7041882f09619ef0",
        licence="none stated",
        hub=Hub(id="MARIO-Math-Reasoning/Gaokao2023-Math-En", split="train", question="question"),
    ),
    Benchmark(
        name="gsm8k",
        title="GSM8K, test set",
        file="gsm8k_test.jsonl",
        rows=1319,
        sha256="964e4d3ce218524826ae401e4982bed0b3647dd7a7e844351e8ac83ea8581079",
        licence="MIT",
        hub=Hub(
            id="openai/gsm8k",
            split="test",
            configs=("main",),
            question="question",
            gold=Gold.AFTER_HASHES,
            key_prefix="gsm8k-test-",
            evidence=f"{_LM_EVAL}, gsm8k.yaml",
        ),
    ),
    Benchmark(
        name="gsm8k_train",
        title="GSM8K, training set",
        file="gsm8k_train.jsonl",
        rows=7473,
        sha256="c8531d84e8e9ee6b42b1ce699bf9d136198de264329f8361755f026699123b38",
        licence="MIT",
        hub=Hub(
            id="openai/gsm8k",
            split="train",
            configs=("main",),
            question="question",
            gold=Gold.AFTER_HASHES,
            key_prefix="gsm8k-train-",
            evidence=f"{_LM_EVAL}, gsm8k.yaml",
        ),
        role=Role.TRAIN,
    ),
    Benchmark(
        name="math_train",
        title="MATH, training set",
        file="math_train.jsonl",
        rows=7500,
        sha256="560387d9228d96df8b8ede28abbc0b44d3e930c044626d787b67e8e7ef7ad771",
        licence=_MATH,
        hub=Hub(
            id="EleutherAI/hendrycks_math",
            split="train",
            configs=MATH_SUBJECTS,
            answer="solution",
            gold=Gold.LAST_BOXED,
            evidence=f"{_LM_EVAL}, hendrycks_math/*.yaml",
        ),
        role=Role.TRAIN,
    ),
)

BENCHMARKS: Mapping[str, Benchmark] = {entry.name: entry for entry in _ENTRIES}
"""Every benchmark and training pool by name. The embedded, generated pool is not in it."""
