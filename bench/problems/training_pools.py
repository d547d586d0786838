"""The training pools: row counts, hashes, hub addresses, licences, known defects.

What they share with the benchmarks is not part of this table: `bench.problems.contamination`
measures it.
"""

from __future__ import annotations

from bench.problems.registry import LM_EVAL, MATH_LICENCE, MATH_SUBJECTS, Benchmark, Gold, Hub, Role

TRAINING_POOLS = (
    Benchmark(
        name="gsm8k_train",
        title="GSM8K, training set",
        file="gsm8k_train.jsonl",
        rows=7473,
        sha256="c8531d84e8e9ee6b42b1ce699bf9d136198de264329f8361755f026699123b38",
        rows_sha256="34a2287016d77e6628171286f247f5ea74bd617a73d65663c87bb9ccd557c437",
        licence="MIT",
        origin="openai/grade-school-math@3101c7d5 grade_school_math/data/train.jsonl",
        hub=Hub(
            id="openai/gsm8k",
            split="train",
            configs=("main",),
            question="question",
            gold=Gold.AFTER_HASHES,
            key_prefix="gsm8k-train-",
            evidence=f"{LM_EVAL}, gsm8k.yaml",
        ),
        role=Role.TRAIN,
    ),
    Benchmark(
        name="math_train",
        title="MATH, training set",
        file="math_train.jsonl",
        rows=7500,
        sha256="560387d9228d96df8b8ede28abbc0b44d3e930c044626d787b67e8e7ef7ad771",
        rows_sha256="917ade7aa0689c748d8bd76f8fa96796076ba5abdb95a48590b4dbb98c264f43",
        licence=MATH_LICENCE,
        origin="aiwaves-cn/agents@e8c4e3c2 src/agents/datasets/data/math/train",
        hub=Hub(
            id="EleutherAI/hendrycks_math",
            split="train",
            configs=MATH_SUBJECTS,
            answer="solution",
            gold=Gold.LAST_BOXED,
            evidence=f"{LM_EVAL}, hendrycks_math/*.yaml",
        ),
        role=Role.TRAIN,
        defects=(
            "25 solutions box several values",
            "3 statements occur twice, one of them with different references",
            "707 problems need a figure or hold one as code",
        ),
    ),
    Benchmark(
        name="aime1983_2023",
        title="AIME 1983 to 2023",
        file="aime_1983_2023.jsonl",
        rows=975,
        sha256="e3b855774fe0e050a43d59afb60e16b98292c7525970be91abd8b91d0be7741b",
        rows_sha256="97c7f6f742cdf1357457b9720605a0d0891b928404180d522f589ee468f694be",
        licence="MIT (repository); problems (c) MAA",
        origin="agentica-project/deepscaler@95ef74ff deepscaler/data/train/aime.json",
        hub=Hub(
            id="gneubig/aime-1983-2024",
            split="train",
            question="Question",
            answer="Answer",
            gold=Gold.INTEGER,
            not_after=("Year", 2023),
            evidence=f"{LM_EVAL}, aime/aime.yaml; the number of rows there is not known",
        ),
        role=Role.TRAIN,
        defects=(
            "a training pool: 72 rows are in MATH's test set and 60 in the AIMO validation set",
            "80 rows need a figure",
        ),
    ),
    Benchmark(
        name="dapo",
        title="DAPO-Math-17k, one row for each problem",
        file="dapo_math_17k.jsonl",
        rows=17917,
        sha256="2f3ae494eb200873901202d1467f5fba19ad39b60c7097adfe6cbfe5b2d69210",
        rows_sha256="77cdf8ca7c6e9bbf9e60a8ff352c09abe1767844711542021369e6b310e4cbfb",
        licence="Apache-2.0",
        origin="MasterVito/SvS@9fd8f353 data/dapo_math_17k.parquet",
        hub=Hub(
            id="open-r1/DAPO-Math-17k-Processed",
            split="train",
            configs=("all",),
            question="prompt",
            answer="solution",
            key_prefix="dapo-",
            evidence="open-r1, filter_dapo.yaml; configurations from memory",
        ),
        role=Role.TRAIN,
        published=False,
        defects=(
            "3,432 rows are Chinese",
            "1,160 statements occur more than once, 18 of them with different references",
            "many problems were rewritten so that the reference is an integer",
        ),
    ),
)
