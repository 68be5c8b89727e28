"""References of tests/unit/studies/test_statistics.c, by SciPy:

    python3 tests/data/statistics/make_references.py > tests/data/statistics/scipy.json"""
import json
import sys

import numpy
import scipy
from scipy import stats

rng = numpy.random.default_rng(5)


def rounded(values):
    return [float(round(v, 6)) for v in values]


def quantiles():
    for dof in (1, 2, 3, 4.5, 9, 19, 59, 199, 1e6, float("inf")):
        for p in (1e-12, 1e-4, 0.005, 0.025, 0.2, 0.5, 0.6, 0.95, 0.975, 0.999):
            t = stats.norm.ppf(p) if numpy.isinf(dof) else stats.t.ppf(p, dof)
            yield [p, -1 if numpy.isinf(dof) else dof, float(t)]


def cdfs():
    for dof in (0.5, 1, 3, 19, 400, 1e5, float("inf")):
        for t in (-40, -6.5, -2, -0.3, 1e-5, 0.7, 1.5, 3):
            p = stats.norm.cdf(t) if numpy.isinf(dof) else stats.t.cdf(t, dof)
            yield [t, -1 if numpy.isinf(dof) else dof, float(p)]


def pairs():
    for n, off in ((2, 1), (5, 0.4), (8, 1.5), (12, 0.3), (20, 0.25)):
        b = rounded(rng.exponential(size=n))
        a = rounded(numpy.array(b) + off * rng.gamma(2, size=n) - 0.5 * rng.normal(size=n))
        t = stats.ttest_rel(a, b)
        interval = t.confidence_interval(0.95)
        yield {"a": a, "b": b, "mean": float(numpy.mean(numpy.array(a) - b)), "low": float(interval.low),
               "high": float(interval.high), "p_t": float(t.pvalue)}


json.dump({"what": f"SciPy {scipy.__version__}; dof -1: normal", "quantiles": list(quantiles()), "cdfs": list(cdfs()),
           "pairs": list(pairs())}, sys.stdout)
print()
