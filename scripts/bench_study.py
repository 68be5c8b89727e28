"""What a run costs within a study, for scripts/bench --study. Wall times mean something on a machine that does nothing
else."""
import json
import pathlib
import random
import statistics
import subprocess

SCENARIO = "scenarios/conversation-disagg.yaml"
KEY = "attainment.overall"
N_VARIANTS, N_ALONE, N_ROUNDS, N_WANTED = 100, 20, 5, 1000
ALONE_SHARE, TWO_THREADS, PEAK_MIB, WANTED_S = 0.7, 1.85, 200, 25


def variants():
    """Settings of the planner as a study would vary them."""
    draw = random.Random(1)
    return [[f"policy.throughput_adjustment_interval={draw.randint(60, 300)}",
             f"policy.load_predictor={draw.choice(['constant', 'kalman'])}",
             f"policy.min_endpoint={draw.randint(2, 4)}",
             f"policy.no_correction={draw.choice(['true', 'false'])}"] for _ in range(N_VARIANTS)]


def in_study(program, scenario, n_threads, settings):
    done = subprocess.run([program, scenario, str(n_threads), "1", KEY], input="\n".join(map(" ".join, settings)),
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def study(root, folder, run_once):
    """The figures are of one call and in turns, since the machine is not the same from one minute to the next."""
    program, headroom = folder / "tests/bench/bench_study", str(folder / "cli/headroom")
    scenario, settings = str(pathlib.Path(root) / SCENARIO), variants()
    alone, one, two = [], [], []
    for i in range(N_ROUNDS):
        part = settings[i * N_ALONE:(i + 1) * N_ALONE]
        commands = [[headroom, "run", scenario, *(word for o in overrides for word in ("--set", o))] for overrides in part]
        alone.append(sum(run_once(command)[1] for command in commands) / len(part))
        one.append(in_study(program, scenario, 1, part * (N_VARIANTS // N_ALONE)))
        two.append(in_study(program, scenario, 2, part * (N_VARIANTS // N_ALONE)))
    share = statistics.median(s["cpu_s"] / s["runs"] / a for s, a in zip(one, alone))
    faster = statistics.median(a["wall_s"] / b["wall_s"] for a, b in zip(one, two))
    wanted_s = statistics.median(s["wall_s"] / s["runs"] for s in two) * N_WANTED
    peak_mib = max(s["peak_mib"] for s in two)
    more_cpu = statistics.median(b["cpu_s"] / a["cpu_s"] for a, b in zip(one, two))
    print(f"{SCENARIO}, {N_VARIANTS} runs with settings of the planner that differ; medians of {N_ROUNDS} rounds")
    print(f"  CPU s a run: alone {statistics.median(alone):.4f}, "
          f"in a study {statistics.median(s['cpu_s'] / s['runs'] for s in one):.4f}")
    print(f"  CPU on two threads: {more_cpu:.2f} of that on one; 1 = they do not hinder each other")
    missed = False
    for what, value, met, bound in (
            ("CPU of a run in a study / alone", f"{share:.2f}", share <= ALONE_SHARE, f"<= {ALONE_SHARE}"),
            ("two threads against one", f"{faster:.2f} times as fast", faster >= TWO_THREADS, f">= {TWO_THREADS}"),
            (f"{N_WANTED} runs on two threads", f"{wanted_s:.1f} s", wanted_s <= WANTED_S, f"<= {WANTED_S} s"),
            ("peak memory, two threads", f"{peak_mib:.0f} MiB", peak_mib <= PEAK_MIB, f"<= {PEAK_MIB} MiB")):
        print(f"  {'ok' if met else 'MISSED':6} {what}: {value} ({bound})")
        missed |= not met
    return missed
