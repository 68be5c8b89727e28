"""The planner's generations on the conversation trace: what the scripts that write the figures of docs/planner.md share."""
import collections
import itertools
import pathlib
import statistics
import tempfile

from validation import PROJECT, mean_interval, sweep_rows

PAGE = PROJECT / "docs/planner.md"
N_REPLICATES = 20
KEYS = ("attainment.overall", "gpu_hours.total", "scaling.up", "scaling.down")
GENERATIONS = ("1.0.2", "1.4.2", "1.6.1")
Run = collections.namedtuple("Run", "attainment gpu_hours events")  # attainment in percent
Mode = collections.namedtuple("Mode", "name scenario planner static_fleets floors load_thresholds first_targets")

# By GPUs, the fixed fleets that have as many.
DISAGG_FLEETS = {n: [{"pools.prefill.replicas": n - d, "pools.decode.replicas": d} for d in (1, 2, 3) if n > d]
                 for n in range(2, 13)}
AGG_FLEETS = {n: [{"pools.agg.replicas": n}] for n in (*range(2, 13), 16, 24, 32)}
THROUGHPUT = {"policy.enable_throughput_scaling": "true"}
LOAD = {"policy.enable_load_scaling": "true", "metrics.any_router": "true"}
MODES = [
    Mode("disaggregated", "conversation-disagg-fpm.yaml", {}, DISAGG_FLEETS, (1, 3),
         {"policy.prefill_scale_up_queue_tokens": 8192, "policy.prefill_scale_down_queue_tokens": 0,
          "policy.decode_scale_up_kv_rate": 40, "policy.decode_scale_down_kv_rate": 10},
         {"throughput scaling": THROUGHPUT, "load scaling": {"policy.enable_throughput_scaling": "false", **LOAD},
          "both": {**THROUGHPUT, **LOAD}}),
    Mode("aggregated", "conversation-agg-static.yaml",
         {"policy.type": "planner", "policy.mode": "agg", "policy.max_gpu_budget": 32, "startup.delay_s": 30}, AGG_FLEETS,
         (1, 4), {"policy.decode_scale_up_kv_rate": 10, "policy.decode_scale_down_kv_rate": 4},
         {"load scaling": {"policy.enable_throughput_scaling": "false", **LOAD}})]


def sweep(program, mode, settings, vary=()):
    """Runs of a scenario on the replicates of its trace; with `vary` of one setting after the other."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        rows = sweep_rows(program, str(PROJECT / "scenarios" / mode.scenario), pathlib.Path(folder, "out"), *words, *vary,
                          "--replicates", str(N_REPLICATES), "--keys", ",".join(KEYS))
    runs = [Run(100 * float(row[KEYS[0]]), float(row[KEYS[1]]), float(row[KEYS[2]]) + float(row[KEYS[3]])) for row in rows]
    return [runs[i : i + N_REPLICATES] for i in range(0, len(runs), N_REPLICATES)]


def targets(mode, generation):
    """Name of a target to its settings."""
    if generation == GENERATIONS[0]:
        return mode.first_targets
    target = "policy.optimization_target"
    return {"throughput": {target: "throughput"}, "latency": {target: "latency"},
            "load": {target: "load", **mode.load_thresholds}, "sla": {target: "sla"},
            "sla, load scaling too": {target: "sla", "policy.enable_load_scaling": "true"}}


def planner_settings(mode, floor, generation, target):
    return {**mode.planner, "policy.generation": generation, "policy.min_endpoint": floor, **targets(mode, generation)[target]}


def attainment_of(runs):
    return statistics.fmean(run.attainment for run in runs)


def static_curve(program, mode):
    """Runs of the fixed fleets, of each number of GPUs the one whose split does best."""
    fixed = {} if mode.planner else {"policy": "null", "engine.max_model_len": "null"}
    return [max((sweep(program, mode, {**fixed, **fleet})[0] for fleet in fleets), key=attainment_of)
            for fleets in mode.static_fleets.values()]


def static_attainment(curve, replicate, gpu_hours):
    """On one replicate, between the two fixed fleets with less and more GPU-hours."""
    runs = [runs[replicate] for runs in curve]
    for low, high in itertools.pairwise(runs):
        if low.gpu_hours <= gpu_hours <= high.gpu_hours:
            part = (gpu_hours - low.gpu_hours) / (high.gpu_hours - low.gpu_hours)
            return low.attainment + part * (high.attainment - low.attainment)
    return min(runs, key=lambda run: abs(run.gpu_hours - gpu_hours)).attainment


def with_interval(values, places=1, sign=""):
    # Plus 0: no -0.
    mean, low, high = (f"{round(value, places) + 0.0:{sign}.{places}f}" for value in mean_interval(values))
    return f"{mean} ({low} to {high})"
