"""One round: search, rows, policy SFT, PPM, evaluation, each a stage of its own.

The policy restarts from the base model, the PPM from this round's policy (sections 3.3, 3.4; the
authors confirm the second). What a round hands to the next is its two checkpoints, and its rows
where the recipe carries them over. A round is data: everything it does is in the recipe's section.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import full_weights
from bench.errors import BenchError
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.runs.reader import Run, load_run
from rstar_train.publishing.checkpoint import publish, weights_file
from rstar_train.recipes.recipe import Recipe
from rstar_train.rounds import journal
from rstar_train.rounds.evaluation import evaluate, families_of, figures_of, passes_gate
from rstar_train.rounds.stages import staged
from rstar_train.rows.making import FILES, PAIRS, SFT, make_rows
from rstar_train.rows.row import PairRow, SFTRow, read_rows
from rstar_train.search.pool import Pool
from rstar_train.search.searcher import Searcher, searcher_of
from rstar_train.search.stage import search_pool

PLOTS = ("calibration.svg", "calibration.json")
STAGES = ("search", "rows", "held_out_rows", "policy", "ppm", "pair_accuracy", "evaluation")
"""Folders of a round's stages, in their order."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a round begins with: the base model before round 1, then the round before's results."""

    policy: Checkpoint
    ppm: Checkpoint | None = None
    rows: Path | None = None
    """Folder of the round before's rows, everything it knew."""
    evaluation: Path | None = None
    """Folder of the runs that this round is compared with."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round at work: its number, its recipe, and where it reads and writes."""

    number: int
    recipe: Recipe
    """Of this round alone (`Recipe.at`)."""
    pool: Pool
    base: Checkpoint
    base_evaluation: Path
    """Folder of the base model's runs, which every round is compared with as well."""
    work: Path
    publish: Path
    begun: Handover

    @property
    def folder(self) -> Path:
        """Where the round's stages write."""
        return self.work / f"round-{self.number}"

    def run(self) -> tuple[Handover, dict[str, Any]]:
        """Do what is not done yet; return what the next round begins with, and the figures.

        Raises BenchError: nothing solved, no pairs, a full disk, a closed gate.
        """
        figures: dict[str, Any] = {"search": self._search()}
        figures["rows"] = self._rows("rows", self.pool.training)
        figures["held_out_rows"] = self._rows("held_out_rows", self.pool.measuring)
        policy, figures["policy"] = self._policy()
        ppm, figures["ppm"] = self._ppm(policy)
        figures["pair_accuracy"] = self._pair_accuracy(ppm)
        figures["evaluation"] = self._evaluation(policy, ppm)
        if not passes_gate(self.recipe.evaluation.gate, figures["evaluation"]["greedy"]):
            raise BenchError(
                f"round {self.number} is not {self.recipe.evaluation.gate.replace('-', ' ')} than "
                f"the round before ({figures['evaluation']['greedy']['against_before']}), and "
                "evaluation.gate stops here. The round's checkpoints are published; set the gate "
                "to none to go on"
            )
        after = Handover(policy, ppm, self.folder / "rows", self.folder / "evaluation")
        return after, figures

    @property
    def _searcher(self) -> Searcher:
        return searcher_of(self.recipe, self.base, self.begun.policy, self.begun.ppm)

    def _stage(self, name: str, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        return staged(self.folder / name, *args, journal=self.work / journal.NAME, **kwargs)

    def _search(self) -> Mapping[str, Any]:
        searcher = self._searcher
        inputs = {
            "recipe": self.recipe.digest("search"),
            "pool": self.pool.digest,
            "searcher": searcher.about,
        }
        trees = self.folder / "search" / "trees"
        return self._stage(
            "search",
            inputs,
            lambda: asyncio.run(
                search_pool(
                    self.pool.searched(self.number),
                    self.recipe,
                    searcher,
                    trees,
                    journal=self.work / journal.NAME,
                )
            ),
            config=self.recipe.values("pool", "search"),
        )

    def _rows(self, name: str, problems: list[Any]) -> Mapping[str, Any]:
        trees = self.folder / "search" / "trees"
        earlier = None if self.begun.rows is None else self.begun.rows.parent / name / "all"
        inputs = {
            "recipe": self.recipe.digest("rows"),
            "pool": self.pool.digest,
            "trees": file_digest(trees / "records.jsonl"),
            "earlier": None
            if earlier is None or not self.recipe.rows.carry_over
            else [file_digest(earlier / file) for file in (SFT, PAIRS)],
        }
        return self._stage(
            name,
            inputs,
            lambda: make_rows(problems, trees, self.recipe, self.folder / name, earlier),
            config=self.recipe.values("rows"),
            outputs=FILES,
        )

    def _policy(self) -> tuple[Checkpoint, Mapping[str, Any]]:
        from rstar_train.policy.sft import train_policy

        file, out = self.folder / "rows" / SFT, self.folder / "policy"
        inputs = {
            "recipe": self.recipe.digest("lora", "sft"),
            "parent": self.base.digest,
            "data": file_digest(file),
        }
        figures = self._stage(
            "policy",
            inputs,
            lambda: train_policy(
                read_rows(SFTRow, file), self.recipe, full_weights(self.base), out
            ),
            config=self.recipe.values("lora", "sft"),
            outputs=(weights_file(self.recipe),),
        )
        checkpoint = publish(
            out,
            self.publish / f"round-{self.number}" / "policy",
            recipe=self.recipe,
            kind="policy",
            number=self.number,
            parent=self.base,
            searcher=self._searcher.about,
            inputs=inputs,
            figures=figures,
        )
        return checkpoint, figures

    def _ppm(self, policy: Checkpoint) -> tuple[Checkpoint, Mapping[str, Any]]:
        from rstar_train.value.ppm import train_ppm

        file, out = self.folder / "rows" / PAIRS, self.folder / "ppm"
        inputs = {
            "recipe": self.recipe.digest("lora", "ppm", "rows"),
            "parent": policy.digest,
            "data": file_digest(file),
        }
        figures = self._stage(
            "ppm",
            inputs,
            lambda: train_ppm(read_rows(PairRow, file), self.recipe, full_weights(policy), out),
            config=self.recipe.values("lora", "ppm"),
            outputs=(weights_file(self.recipe),),
        )
        checkpoint = publish(
            out,
            self.publish / f"round-{self.number}" / "ppm",
            recipe=self.recipe,
            kind="ppm",
            number=self.number,
            parent=policy,
            searcher=self._searcher.about,
            inputs=inputs,
            figures=figures,
        )
        return checkpoint, figures

    def _pair_accuracy(self, ppm: Checkpoint) -> Mapping[str, Any]:
        from rstar_train.value.pair_accuracy import pair_accuracy, warn_at_chance

        file = self.folder / "held_out_rows" / PAIRS
        if not file.stat().st_size:
            return {"held_out_pairs": 0}
        out = self.folder / "pair_accuracy"
        figures = self._stage(
            "pair_accuracy",
            {"ppm": ppm.digest, "held_out": file_digest(file)},
            lambda: pair_accuracy(
                read_rows(PairRow, file), self.recipe, full_weights(ppm), out=out
            ),
            outputs=PLOTS,
        )
        for name in PLOTS:
            replace(self.publish / f"round-{self.number}" / name, (out / name).read_bytes())
        warn_at_chance(figures)
        return figures

    def _evaluation(self, policy: Checkpoint, ppm: Checkpoint) -> Mapping[str, Any]:
        folder = self.folder / "evaluation"
        against = {
            "against_before": _runs_in(self.begun.evaluation),
            "against_base": _runs_in(self.base_evaluation),
        }

        def work() -> Mapping[str, Any]:
            runs = evaluate(self.recipe, folder, policy=policy, ppm=ppm)
            return figures_of(runs, against, families_of(self.recipe))

        inputs = {
            "recipe": self.recipe.digest("evaluation"),
            "policy": policy.digest,
            "ppm": ppm.digest,
            **{
                name: {search: run.header["config_digest"] for search, run in runs.items()}
                for name, runs in against.items()
            },
        }
        return self._stage("evaluation", inputs, work, config=self.recipe.values("evaluation"))


def _runs_in(folder: Path | None) -> dict[str, Run]:
    if folder is None:
        return {}
    return {path.parent.name: load_run(path.parent) for path in sorted(folder.glob("*/run.json"))}
