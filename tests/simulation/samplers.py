"""Does TPE find better trials than random search on the same budget? Real trainings, many seeds; minutes.

    python tests/simulation/samplers.py [--data FILE] [--seeds 20] [--trials 40]

Each seed draws its own trials with both samplers; the split of the data is the same for all.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import joblib
from scipy.stats import wilcoxon

from expctl.training.search.samplers import Proposals
from expctl.training.search.shared_data import Prepared, prepare
from expctl.training.search.space import SearchSpace, read_space

DATA = Path(__file__).parent.parent.parent / "data" / "reviews.csv"
AXES = {
    "c": "log:1e-3..1e3",
    "max_features": "log:200..20000",
    "min_df": "1..10",
    "ngram_max": "1..3",
    "sublinear_tf": "true,false",
    "fit_intercept": "true,false",
}


def best_so_far(prepared: Prepared, space: SearchSpace, sampler: str, seed: int, trials: int) -> list[float]:
    """The best weighted F1 after each trial."""
    proposals = Proposals(space, sampler, trials=trials, seed=seed, higher_is_better=True)
    found: list[float] = []
    while (trial := proposals.ask()) is not None:
        value = prepared.train(trial.made).metrics["f1_score"]
        proposals.tell(trial, value)
        found.append(max([value, *found[-1:]]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    asked = parser.parse_args()
    space = read_space(AXES, {"data": str(asked.data)})
    prepared = prepare(space)
    names = ("random", "tpe")
    tasks = [(name, seed) for seed in range(asked.seeds) for name in names]
    done = joblib.Parallel(n_jobs=2)(
        joblib.delayed(best_so_far)(prepared, space, name, seed, asked.trials) for name, seed in tasks
    )
    curves = dict(zip(tasks, done, strict=True))
    for after in (asked.trials // 2, asked.trials):
        best = {name: [curves[name, seed][after - 1] for seed in range(asked.seeds)] for name in names}
        leads = [tpe - random for tpe, random in zip(best["tpe"], best["random"], strict=True)]
        means = {name: statistics.mean(values) for name, values in best.items()}
        ahead, behind = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
        sys.stdout.write(
            f"after {after} trials, {asked.seeds} seeds: mean of the best f1_score {means['random']:.4f} by random,"
            f" {means['tpe']:.4f} by tpe ({statistics.mean(leads):+.4f}); tpe ahead in {ahead}, behind in {behind};"
            f" Wilcoxon p = {wilcoxon(leads).pvalue:.2g}\n"
        )


if __name__ == "__main__":
    main()
