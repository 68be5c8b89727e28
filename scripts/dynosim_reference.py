"""The reference simulator's half of scripts/validate_beside_dynosim and validate_dynosim_fpm. Run by the interpreter
that has it.

Reads one JSON object per line, {"trace", "options", "pools": {role: engine arguments, "profile": NPZ file, "tables":
where its tables are kept}, "rows": file to write}, runs it, and answers each with a line: {"error": text or null}.
With {"planner": its configuration, "ticks": file to write} instead of "rows" its planner is in the loop, and every tick
becomes a line of that file: what the planner was told, and what it made of it.
"""
import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ.setdefault("DYN_LOG", "off")

from dynamo.mocker.utils.planner_profiler_perf_data_converter import convert_profile_results_to_npz
from dynamo.llm import KvRouterConfig
from dynamo.replay import run_trace_replay
from dynamo.replay.main import _load_engine_args


def tables_of(profile, tables):
    """The reference's own conversion of a profiler's results folder, once per profile."""
    if not tables.exists():
        with tempfile.TemporaryDirectory() as folder:
            for half in ("prefill", "decode"):
                to = pathlib.Path(folder, f"selected_{half}_interpolation")
                to.mkdir()
                shutil.copy(profile, to / "raw_data.npz")
            convert_profile_results_to_npz(folder, tables)
    return str(tables)


def engine_args(role, settings):
    settings = dict(settings, worker_type="aggregated" if role == "agg" else role)
    if "profile" in settings:
        settings["planner_profile_data"] = tables_of(settings.pop("profile"), pathlib.Path(settings.pop("tables")))
    return _load_engine_args(json.dumps(settings))


# Of a forward pass: its name in the recordings, in the reference.
PASS_FIELDS = {"worker_id": "worker_id", "wall_s": "wall_time", "n_prefill": "num_prefill_requests",
               "prefill_tok": "sum_prefill_tokens", "prefill_kv_tok": "sum_prefill_kv_tokens",
               "n_decode": "num_decode_requests", "decode_kv_tok": "sum_decode_kv_tokens",
               "n_queued_prefill": "num_queued_prefill", "queued_prefill_tok": "sum_queued_prefill_tokens",
               "n_queued_decode": "num_queued_decode", "queued_decode_kv_tok": "sum_queued_decode_kv_tokens"}


def tick_line(at_s, told, effects, answer, roles):
    pools = {}
    for role in roles:
        side = "prefill" if role == "prefill" else "decode"
        passes = [[round(record[name], 9) for name in PASS_FIELDS.values()] for record in told[f"{side}_fpm_snapshots"]]
        pools[role] = {"ready": told[f"active_{side}_count"], "starting": told[f"starting_{side}_count"],
                       "draining": told[f"draining_{side}_count"], "target": answer[f"target_{side}"],
                       "passes": passes}
    said = {name: getattr(effects.diagnostics, name) for name in (
        "load_decision_reason", "load_decision_reason_prefill", "load_decision_reason_decode",
        "throughput_decision_reason", "throughput_decision_reason_prefill", "throughput_decision_reason_decode",
        "estimated_ttft_ms", "estimated_itl_ms", "engine_rps_prefill", "engine_rps_decode")}
    return json.dumps({"at_s": at_s, "pools": pools} | {name: value for name, value in said.items() if value is not None})


@contextlib.contextmanager
def recorded_ticks(path, roles):
    from dynamo.planner.offline.replay_adapter import ReplayPlannerAdapter
    plain = ReplayPlannerAdapter.on_tick

    with open(path, "w") as lines:
        def on_tick(adapter, told):
            at_s, engine, effects = adapter._pending_tick.at_s, adapter._engine, []
            ask = engine.tick

            async def tick(scheduled, tick_input):
                effects.append(await ask(scheduled, tick_input))
                return effects[0]

            engine.tick = tick
            try:
                answer = plain(adapter, told)
            finally:
                engine.tick = ask
            print(tick_line(at_s, told, effects[0], answer, roles), file=lines)
            return answer

        ReplayPlannerAdapter.on_tick = on_tick
        try:
            yield
        finally:
            ReplayPlannerAdapter.on_tick = plain


def run(job):
    options = dict(job["options"])
    if "router_config" in options:
        options["router_config"] = KvRouterConfig.from_json(json.dumps(options["router_config"]))
    for role, settings in job["pools"].items():
        options[f"{'extra' if role == 'agg' else role}_engine_args"] = engine_args(role, settings)
    if "planner" in job:
        with recorded_ticks(job["ticks"], job["pools"]):
            run_trace_replay(job["trace"], planner_config=job["planner"], **options)
    else:
        run_trace_replay(job["trace"], report_jsonl_path=job["rows"], **options)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # it prints to stdout on its own
    for line in sys.stdin:
        error = None
        try:
            run(json.loads(line))
        except BaseException as e:  # pylint: disable=broad-except; a panic there is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            error = str(e) or repr(e)
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"error": error}), file=answers, flush=True)


if __name__ == "__main__":
    main()
