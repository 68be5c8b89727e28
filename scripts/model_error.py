"""What scripts/validate_measured knows of the errors of single points, for presets/model_error.yaml and its check.

The error of a point is the pair of `engine.prompt_factor` and `engine.decode_factor` with which its run gives the
measured TTFT and TPOT. It is found point by point, so queues that make little of an error much, or the other way round,
are in it as they are. A group is what was measured of one model on one GPU with one framework.
"""
import collections
import concurrent.futures
import json
import math
import pathlib
import shutil
import statistics
import tempfile

OLDER_TABLES = "*aiconfigurator 0.7*"
MAX_LOG = math.log(10)
TOLERANCE = 5e-3
MOST_ROUNDS = 6
LEAST_POINTS = 20  # of an entry of its own: fewer do not tell where 90 of 100 lie
LEAST_GROUPS = 3
N_PAIRS = 60  # of an entry
LEAST_PAIRS = 8  # of a group, in an entry of several
MOST_OF_GROUP = 40  # looked at by --coverage, evenly out of the group's points
# 95 % points of Student's t with 1, 2, ... degrees of freedom, and of the normal distribution.
STUDENT_95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
              1.746, 1.740, 1.734, 1.729, 1.725)
NORMAL_95 = 1.645


def solve(simulate, measured, settings, logs):
    """Logarithms of the two factors with which a run gives this TTFT and TPOT, as near as they can, from a first guess;
    None where it fails."""
    for _ in range(MOST_ROUNDS):
        factors = [f"engine.{key}_factor={math.exp(log)!r}" for key, log in zip(("prompt", "decode"), logs)]
        predicted, _why = simulate(settings + factors)
        if not predicted:
            return None
        left = [math.log(m / p) for m, p in zip(measured, predicted)]
        if max(map(abs, left)) < TOLERANCE:
            break
        logs = [max(-MAX_LOG, min(MAX_LOG, log + rest)) for log, rest in zip(logs, left)]
    return logs


def quantile(values, share):
    ordered = sorted(values)
    at = min(max(share * len(ordered) - 0.5, 0), len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def thin(pairs, n):
    """n pairs with the quantiles of all in both members, and about how the members go together."""
    if len(pairs) <= n:
        return list(pairs)
    shares = [(i + 0.5) / n for i in range(n)]
    ordered = sorted(pairs)
    seconds = [ordered[int(share * len(ordered))][1] for share in shares]
    ranks = {i: rank for rank, i in enumerate(sorted(range(n), key=seconds.__getitem__))}
    return [(quantile([p[0] for p in pairs], share), quantile([p[1] for p in pairs], shares[ranks[i]]))
            for i, share in enumerate(shares)]


def spread(groups):
    """Pairs for a group that was never measured, from those of the groups that were, each as heavy as the others.

    Its bias is one more draw from their biases: those are moved away from their mean as Student's t has it for so few
    (a prediction interval: s sqrt(1 + 1/G) t)."""
    n = len(groups)
    means = [[statistics.fmean(p[k] for p in pairs) for k in (0, 1)] for pairs in groups]
    centre = [statistics.fmean(mean[k] for mean in means) for k in (0, 1)]
    student = STUDENT_95[min(n - 1, len(STUDENT_95)) - 1]
    wider = student / NORMAL_95 * math.sqrt((1 + 1 / n) * n / (n - 1))
    each = max(LEAST_PAIRS, round(N_PAIRS / n))
    result = []
    for pairs, mean in zip(groups, means):
        for pair in thin(pairs, each):
            result.append(tuple(centre[k] + wider * (mean[k] - centre[k]) + pair[k] - mean[k] for k in (0, 1)))
    return result


def group_of(point):
    """Model, GPU and framework as profiles name them."""
    gpu, framework, model = point["profile"].split("/")[:3]
    return model.rsplit("-", 1)[0], gpu, framework


def entries(points, older):
    """(name, for, of, errors, pairs); the first that fits a profile counts. `older`: the same points with profiles of older
    kernel tables, whose errors are of another size."""
    older_groups = collections.defaultdict(list)
    for point in older:
        older_groups[group_of(point)].append(point)
    if len(older_groups) >= LEAST_GROUPS:
        yield ("older kernel tables", {"source": OLDER_TABLES},
               f"older kernel tables ({len(older_groups)} groups of model, GPU and framework)", [p["errors"] for p in older],
               spread([[p["seen_logs"] for p in members] for members in older_groups.values()]))
    groups = collections.defaultdict(list)
    for point in points:
        groups[group_of(point)].append(point)
    for (model, gpu, framework), members in sorted(groups.items()):
        if len(members) >= LEAST_POINTS:
            yield (f"{model} {gpu} {framework}", {"model": f"*{model}*", "gpu": gpu, "framework": framework},
                   "the same model, GPU and framework", [p["errors"] for p in members],
                   thin([p["seen_logs"] for p in members], N_PAIRS))
    kinds = collections.defaultdict(list)
    for key in groups:
        experts = groups[key][0]["experts"]
        kinds[2, key[2], experts].append(key)
        kinds[1, "", experts].append(key)
        kinds[0, "", None].append(key)
    for (level, framework, experts), keys in sorted(kinds.items(), key=lambda item: (-item[0][0], str(item[0]))):
        if len(keys) < LEAST_GROUPS:
            continue
        condition = ({"framework": framework} if level == 2 else {}) | ({"experts": experts} if level else {})
        kind = {True: "mixtures of experts", False: "dense models", None: "all models"}[experts]
        name = f"{framework or 'any framework'}, {kind}"
        of = f"{kind} with {framework}" if framework else kind
        yield (name, condition, f"{of} ({len(keys)} groups of model, GPU and framework)",
               [p["unseen_errors"] for key in keys for p in groups[key]],
               spread([[p["unseen_logs"] for p in groups[key]] for key in keys]))


def solve_all(points, run, settings, jobs, left_out):
    """Those of InferenceX that a run explains, with TTFT and TPOT as measured, and as they would have been had the run
    been as far off as that with overheads fitted without the point's group (`left_out`, by id: relative errors); each
    with the logarithms of its factors. run(point, settings): TTFT and TPOT, and why not."""
    points = [p for p in points if p["predicted"] and p["row"]["source"] == "inferencex"]

    def solve_one(point):
        def simulate(factors):
            return run(point, factors)

        point["seen"] = [float(point["row"][f"mean_{key}_ms"]) for key in ("ttft", "tpot")]
        point["errors"] = [p / m - 1 for p, m in zip(point["predicted"], point["seen"])]
        point["seen_logs"] = solve(simulate, point["seen"], settings, [0.0, 0.0])
        point["unseen_errors"] = left_out.get(point["row"]["id"], point["errors"])
        point["unseen"] = [p / (1 + e) for p, e in zip(point["predicted"], point["unseen_errors"])]
        point["unseen_logs"] = point["seen_logs"]
        if point["unseen_logs"] and point["row"]["id"] in left_out:
            point["unseen_logs"] = solve(simulate, point["unseen"], settings, point["seen_logs"])

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(solve_one, points))
    return [p for p in points if p["seen_logs"] and p["unseen_logs"]]


def in_full(value):
    return json.dumps(value) if isinstance(value, (str, bool)) else str(value)


def write(path, points, older=()):
    """presets/model_error.yaml."""
    lines = [
        "# How far runs are from measured points: `headroom run --model-error N` draws from the first entry whose `for` fits",
        "# the profile, `headroom profile show NAME` prints it. Written by scripts/validate_measured --write-errors from",
        "# points of InferenceX (Apache-2.0). `points` measured means at one concurrency each; errors are",
        "# |simulated / measured - 1|, median and 90th percentile. prompt_factor and decode_factor: pairs with which runs of",
        "# such points give the measured TTFT and TPOT. Entries of several groups are for one that was never measured: errors",
        "# of overheads fitted without the group, and its bias is taken as one more draw from theirs (Student's t).",
    ]
    for name, condition, of, errors, pairs in entries(points, older):
        lines.append(f"{json.dumps(name)}:")
        lines.append("  for: {" + ", ".join(f"{k}: {in_full(v)}" for k, v in condition.items()) + "}")
        lines.append(f"  of: {of}")
        lines.append(f"  points: {len(errors)}")
        for k, key in enumerate(("ttft", "tpot")):
            sizes = [abs(pair[k]) for pair in errors]
            lines.append(f"  {key}_error: [{quantile(sizes, 0.5):.3f}, {quantile(sizes, 0.9):.3f}]")
        for k, key in enumerate(("prompt", "decode")):
            cells = [f"{math.exp(max(-MAX_LOG, min(MAX_LOG, pair[k]))):.4g}" for pair in pairs]
            lines.append(f"  {key}_factor:")
            for start in range(0, len(cells), 12):
                edge = "[" if start == 0 else " "
                end = "]" if start + 12 >= len(cells) else ","
                lines.append(f"    {edge}{', '.join(cells[start:start + 12])}{end}")
    path.write_text("\n".join(lines) + "\n")


def coverage(points, run, n_runs, presets, jobs):
    """Share of the points whose TTFT and TPOT lie within the interval of `--model-error n_runs`: with the entries of the
    file; and of what would be measured of a group that neither the fit of the overheads nor the file has seen.
    run(point, words, presets): the intervals."""
    groups = collections.defaultdict(list)
    for point in points:
        groups[group_of(point)].append(point)

    def within(point, folder, key):
        intervals = run(point, ["--model-error", str(n_runs)], folder)
        return [intervals[f"latency_ms.{figure}.mean"]["low"] <= value <= intervals[f"latency_ms.{figure}.mean"]["high"]
                for figure, value in zip(("ttft", "tpot"), point[key])]

    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for i, (key, members) in enumerate(sorted(groups.items())):
            shares = []
            n = min(len(members), MOST_OF_GROUP)
            members = [members[k * len(members) // n] for k in range(n)]
            others = [p for p in points if group_of(p) != key]
            for name, known, truth in (("all", points, "seen"), (f"without {i}", others, "unseen")):
                folder = pathlib.Path(scratch, name)
                if not folder.exists():
                    shutil.copytree(presets, folder)
                    write(folder / "model_error.yaml", known)
                found = list(pool.map(lambda p: within(p, folder, truth), members))
                shares += [statistics.fmean(pair[k] for pair in found) for k in (0, 1)]
            yield " ".join(key), len(members), shares
