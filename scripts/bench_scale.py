"""Growth with the number of requests and of workers, for scripts/bench --scale."""
import gzip
import json
import math
import multiprocessing
import pathlib
import statistics
import tempfile

from svg_plot import panel, panel_left, picture

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONVERSATION = ROOT / "traces/data/mooncake_conversation.jsonl.gz"
BASE_WORKERS = 8  # hold the SLA of nine in ten requests at the speed of the trace
FLEETS = (2, 10, 100, 1000)
ROUTERS = ("round_robin", "least_loaded", "kv_aware")
MILLION = 1_000_000
ENOUGH_S = 6  # of measuring one case: long runs are made once

SCENARIO = """name: scale
trace: {path: %s}
sla: {ttft_ms: 1500, tpot_ms: 50}
engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1, block_size_tok: 128, max_num_batched_tokens: 8192}
pools: {agg: {replicas: %d}}
policy: {type: static}
"""


def generate(n, path):
    """The conversation trace again and again, each time later and with prompts of its own."""
    with gzip.open(CONVERSATION, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    span_ms = rows[-1]["timestamp"] + 1000
    n_ids = 1 + max(max(row["hash_ids"]) for row in rows)
    with open(path, "w") as out:
        for again in range(math.ceil(n / len(rows))):
            for row in rows[:n - again * len(rows)]:
                ids = ", ".join(str(i + again * n_ids) for i in row["hash_ids"])
                out.write(f'{{"timestamp": {row["timestamp"] + again * span_ms}, '
                          f'"input_length": {row["input_length"]}, "output_length": {row["output_length"]}, '
                          f'"hash_ids": [{ids}]}}\n')


class Bench:
    def __init__(self, binary, run_once, folder):
        self.binary, self.run_once, self.folder = binary, run_once, pathlib.Path(folder)

    def trace(self, n):
        path = self.folder / f"{n}.jsonl"
        if not path.exists():
            # In a process of its own: what this one holds counts into the peak memory of its children.
            maker = multiprocessing.Process(target=generate, args=(n, path))
            maker.start()
            maker.join()
            path.with_suffix(".yaml").write_text(SCENARIO % (path.name, BASE_WORKERS))
        return path

    def measure(self, n, workers=BASE_WORKERS, router="least_loaded", settings=()):
        """Medians over at least one run; load per worker is the same for every fleet."""
        scenario = self.trace(n).with_suffix(".yaml")
        command = [str(self.binary), "run", str(scenario), "--set", f"router={router}",
                   "--set", f"pools.agg.replicas={workers}", "--set", f"trace.speedup={workers / BASE_WORKERS}"]
        for setting in settings:
            command += ["--set", setting]
        runs = []
        while not runs or (len(runs) < 5 and sum(r[0] for r in runs) < ENOUGH_S):
            runs.append(self.run_once(command))
        wall, cpu, rss = (statistics.median(r[i] for r in runs) for i in range(3))
        simulated = self.simulated_s(n) * BASE_WORKERS / workers
        return {"requests": n, "workers": workers, "router": router, "settings": list(settings), "runs": len(runs),
                "cpu_s": cpu, "wall_s": wall, "rss_mib": rss, "requests_per_cpu_s": n / cpu,
                "simulated_per_wall_s": simulated / wall}

    def simulated_s(self, n):
        with open(self.trace(n), "rb") as lines:
            lines.seek(-4096, 2)
            return json.loads(lines.read().splitlines()[-1])["timestamp"] / 1e3


def row(m):
    print(f"{m['requests']:>10,} {m['workers']:>8,} {m['router']:14} {m['cpu_s']:9.3f} {m['wall_s']:9.3f} "
          f"{m['requests_per_cpu_s']:12,.0f} {m['cpu_s'] / m['requests'] * 1e6:10.2f} {m['rss_mib']:9.1f} "
          f"{m['simulated_per_wall_s']:14,.0f}  {' '.join(m['settings'])}", flush=True)
    return m


def head():
    print(f"{'requests':>10} {'workers':>8} {'router':14} {'CPU s':>9} {'wall s':>9} {'requests/s':>12} {'us/request':>10} "
          f"{'peak MiB':>9} {'simulated s/s':>14}")


def slope(points):
    """Of the straight line through the logarithms, by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = statistics.fmean(xs), statistics.fmean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def verdict(ok, what, found):
    print(f"  {'ok' if ok else 'MISSED':7} {what}: {found}")
    return not ok


def growth(bench, ten_million):
    print("Growth with the requests: 8 workers, prefix cache on")
    head()
    sizes = [10_000, 100_000, MILLION] + ([10 * MILLION] if ten_million else [])
    measured = [row(bench.measure(n)) for n in sizes]
    if ten_million:
        bench.trace(sizes[-1]).unlink()
    of_cpu, of_memory = (slope([(m["requests"], m[key]) for m in measured]) for key in ("cpu_s", "rss_mib"))
    print(f"slope of CPU seconds over requests {of_cpu:.3f} (1 = linear), of memory {of_memory:.3f}\n")
    return measured


def fleets(bench, n):
    print(f"Growth with the workers: {n:,} requests, load per worker as above")
    head()
    measured = [row(bench.measure(n, workers, router)) for router in ROUTERS for workers in FLEETS]
    for router in ROUTERS:
        points = [(m["workers"], m["cpu_s"]) for m in measured if m["router"] == router]
        print(f"slope of CPU seconds over workers, {router}: {slope(points):.3f}")
    print()
    return measured


def features(bench, n):
    print("What the prefix cache and KV-aware routing cost: 8 workers")
    head()
    plain = row(bench.measure(n, router="round_robin", settings=["engine.prefix_cache=false"]))
    return [plain] + [row(bench.measure(n, router=router)) for router in ROUTERS]


def verdicts(sizes, by_fleet, by_feature):
    """Against what is asked for; requests per CPU second, which is one core of an idle machine."""
    print("\nVerdicts")
    million = next(m for m in sizes if m["requests"] == MILLION)
    missed = verdict(million["requests_per_cpu_s"] >= 5e5, "1 M requests at 500,000 requests/s or more",
                     f"{million['requests_per_cpu_s']:,.0f}")
    missed |= verdict(million["rss_mib"] <= 150, "1 M requests in 150 MiB", f"{million['rss_mib']:.0f}")
    for m in sizes:
        if m["requests"] > MILLION:
            ratio = m["requests_per_cpu_s"] / million["requests_per_cpu_s"]
            missed |= verdict(ratio >= 0.8, "10 M requests at the same rate within 20 %", f"{ratio - 1:+.0%}")
            missed |= verdict(m["rss_mib"] <= 150, "10 M requests in 150 MiB", f"{m['rss_mib']:.0f}")
    for router in ROUTERS:
        cost = {m["workers"]: m["cpu_s"] for m in by_fleet if m["router"] == router}
        missed |= verdict(cost[1000] <= 3 * cost[10], f"1,000 workers within 3x of 10, {router}",
                          f"{cost[1000] / cost[10]:.2f}x")
    ratio = by_feature[-1]["cpu_s"] / by_feature[0]["cpu_s"]
    missed |= verdict(ratio <= 2, "prefix cache and KV router within 2x of round robin without cache", f"{ratio:.2f}x")
    return missed


# The plot: two log-log panels.
COLOURS = {"round_robin": "#4477aa", "least_loaded": "#228833", "kv_aware": "#cc6677", "memory": "#999999"}


def write_svg(path, sizes, by_fleet):
    body = panel(panel_left(0), "Growth with the requests", ("requests", "CPU s; memory in MiB"),
                 {"least_loaded": [(m["requests"], m["cpu_s"]) for m in sizes],
                  "memory": [(m["requests"], m["rss_mib"]) for m in sizes]}, COLOURS)
    body += panel(panel_left(1), "Growth with the workers", ("workers", "CPU us per request"),
                  {router: [(m["workers"], m["cpu_s"] / m["requests"] * 1e6) for m in by_fleet if m["router"] == router]
                   for router in ROUTERS}, COLOURS)
    path.write_text(picture(2, body))


def scale(binary, run_once, ten_million, n_fleet, svg):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(binary, run_once, folder)
        sizes = growth(bench, ten_million)
        by_fleet = fleets(bench, n_fleet)
        by_feature = features(bench, MILLION)
    if svg:
        write_svg(pathlib.Path(svg), sizes, by_fleet)
    return verdicts(sizes, by_fleet, by_feature)
