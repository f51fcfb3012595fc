"""The same recovery model in numpy (vectorised) and SimPy, for the benchmark.

Reads a model as the simulator's benchmark dumps it and prints one JSON line for
each engine, with its rate on one core and the mean time to the last repair, so
that a reader sees that all engines simulate the same thing. Written as a user
of these libraries would: numpy over all trials at once, component by component;
SimPy as one process per component. Quantiles of every law are tabulated over
the normal score, since bad-day correlation is stated there.

Usage: peers.py MODEL.json [numpy|simpy]
"""

import json
import math
import random
import sys
import time

import numpy as np
import simpy
from scipy import stats

HOUR = 3.6e6
GRID = np.linspace(-8.0, 8.0, 4097)


def quantiles(law):
    """The law's quantile at each normal score of the grid."""
    u = stats.norm.cdf(GRID)
    tail = stats.norm.sf(GRID)
    kind = law["kind"]
    if kind == "lognormal":
        return law["median"] * np.exp(law["sigma"] * GRID)
    if kind == "exponential":
        return -law["mean"] * np.log(np.maximum(tail, 1e-300))
    if kind == "weibull":
        return law["scale"] * (-np.log(np.maximum(tail, 1e-300))) ** (1.0 / law["shape"])
    if kind == "pert":
        low, likely, high = law["low"], law["likely"], law["high"]
        width = high - low
        alpha = 1.0 + 4.0 * (likely - low) / width
        beta = 1.0 + 4.0 * (high - likely) / width
        return low + width * stats.beta.ppf(u, alpha, beta)
    raise ValueError(f"unknown law {kind}")


class Model:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        self.crew = document["crew"]
        self.shared = math.sqrt(document["bad_day"])
        self.own = math.sqrt(1.0 - document["bad_day"])
        self.tables = [quantiles(law) for law in document["laws"]]
        self.before = [[] for _ in self.tables]
        for waits, for_whom in document["needs"]:
            self.before[waits].append(for_whom)


def numpy_uncontended(model, trials, rng):
    """Mean time to the last repair over `trials`, component by component."""
    night = rng.standard_normal(trials)
    done = np.empty((len(model.tables), trials))
    for number, table in enumerate(model.tables):
        score = model.shared * night + model.own * rng.standard_normal(trials)
        takes = np.interp(score, GRID, table)
        before = model.before[number]
        if before:
            start = done[before[0]]
            for other in before[1:]:
                start = np.maximum(start, done[other])
            takes = takes + start
        done[number] = takes
    return done.max(axis=0).sum()


def simpy_trial(model, rng):
    """One trial: a process for each component, and technicians as a resource."""
    environment = simpy.Environment()
    crew = simpy.PriorityResource(environment, capacity=model.crew) if model.crew else None
    night = rng.gauss(0.0, 1.0)
    finished = [environment.event() for _ in model.tables]
    step = GRID[1] - GRID[0]

    def repair(number):
        yield simpy.AllOf(environment, [finished[other] for other in model.before[number]])
        score = model.shared * night + model.own * rng.gauss(0.0, 1.0)
        place = min(max((score + 8.0) / step, 0.0), 4095.999)
        cell = int(place)
        table = model.lists[number]
        takes = table[cell] + (table[cell + 1] - table[cell]) * (place - cell)
        if crew is None:
            yield environment.timeout(takes)
        else:
            with crew.request(priority=number) as turn:
                yield turn
                yield environment.timeout(takes)
        finished[number].succeed()

    for number in range(len(model.tables)):
        environment.process(repair(number))
    environment.run()
    return environment.now


def timed(work, seconds):
    """Repeats `work`, which returns (trials, sum), for some seconds of CPU time."""
    total, count = 0.0, 0
    from_ = time.process_time()
    while True:
        trials, amount = work()
        total += amount
        count += trials
        spent = time.process_time() - from_
        if spent >= seconds:
            return count, count / spent, total / count / HOUR


def report(engine, model, result):
    trials, rate, mean = result
    name = "crew of three" if model.crew else "no contention"
    print(json.dumps({"engine": engine, "model": name, "trials": trials,
                      "trials_per_second": round(rate, 1), "mean_hours": round(mean, 2)}))


def main():
    model = Model(sys.argv[1])
    engines = sys.argv[2:] or ["numpy", "simpy"]
    if "numpy" in engines and not model.crew:
        rng = np.random.Generator(np.random.SFC64(1))
        report("numpy", model, timed(lambda: (10_000, numpy_uncontended(model, 10_000, rng)), 3.0))
    if "simpy" in engines:
        model.lists = [table.tolist() for table in model.tables]
        rng = random.Random(1)
        report("SimPy", model, timed(lambda: (10, sum(simpy_trial(model, rng) for _ in range(10))), 5.0))


if __name__ == "__main__":
    main()
