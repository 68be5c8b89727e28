"""Where the instructions of a run go, for scripts/bench --split."""
import collections
import pathlib
import re
import subprocess
import sys

SIMULATE = "sim_run"
# Functions whose inclusive costs do not overlap; those that the simulation calls are taken off it. Each is called from
# another source file or through a pointer, so that without link-time optimisation none is inlined.
WITHIN = [("reading the trace", ["trace_next"]),
          ("policy and forecasts", ["planner_tick"]),
          ("records of requests and samples", ["on_request", "on_sample", "on_window"])]
AFTER = [("figures and report", ["summary_compute", "summary_print", "recorder_finish"])]
LINE = re.compile(r"^\s*([\d,]+) \([ \d.]+%\)\s+(\S+):(\S+)")


def annotated(profile, *options):
    """(instructions, source file, function) of each function."""
    text = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", *options, profile],
                          capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        found = LINE.match(line)
        if found:
            yield int(found[1].replace(",", "")), found[2], found[3].split(".")[0]


def stages(profile):
    """List of (stage, instructions), which add up to the whole; the loop is the one called `loop`. Exits when a function
    is not in the profile: its cost would be taken for that of another stage."""
    costs = collections.Counter()
    total = 0
    for cost, _, function in annotated(profile, "--inclusive=yes"):
        total = max(total, cost)
        costs[function] = max(costs[function], cost)  # a function of several files is listed for each
    functions = [SIMULATE, *(function for _, group in WITHIN + AFTER for function in group)]
    if "static_create" in costs:
        functions.remove("planner_tick")  # a static policy has nothing to do
    missing = [function for function in functions if function not in costs]
    if missing:
        sys.exit(f"not in the profile: {', '.join(missing)} (renamed, or inlined?); see scripts/bench_split.py")
    within = [(name, sum(costs[f] for f in functions)) for name, functions in WITHIN]
    after = [(name, sum(costs[f] for f in functions)) for name, functions in AFTER]
    loop = costs[SIMULATE] - sum(cost for _, cost in within)
    start = total - costs[SIMULATE] - sum(cost for _, cost in after)
    return [("start-up: program, scenario, profiles", start), within[0], ("loop", loop), *within[1:], *after]


def by_file(profile, n):
    """The n source files with the most instructions of their own."""
    costs = collections.Counter()
    for cost, source, _ in annotated(profile):
        parts = pathlib.PurePath(source).parts
        costs["/".join(parts[-2:]) if len(parts) > 1 else "libraries (zlib, libc)"] += cost
    return costs.most_common(n)


def print_split(name, profile):
    parts = stages(profile)
    total = sum(cost for _, cost in parts)
    print(f"{name}: {total:,} instructions")
    for stage, cost in parts:
        print(f"  {cost / total:6.1%}  {stage}")
    print("  by source file: " + ", ".join(f"{source} {cost / total:.0%}" for source, cost in by_file(profile, 10)))
    return dict(parts)["loop"] / total
