"""The reference simulator's half of scripts/validate_beside_dynosim. Run by the interpreter that has it.

Reads one JSON object per line, {"trace", "options", "pools": {role: engine arguments, "profile": NPZ file, "tables":
where its tables are kept}, "rows": file to write}, runs it, and answers each with a line: {"error": text or null}.
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


def run(job):
    options = dict(job["options"])
    if "router_config" in options:
        options["router_config"] = KvRouterConfig.from_json(json.dumps(options["router_config"]))
    for role, settings in job["pools"].items():
        options[f"{'extra' if role == 'agg' else role}_engine_args"] = engine_args(role, settings)
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
