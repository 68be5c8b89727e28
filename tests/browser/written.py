"""The pages under test, written by the program: of a small service, under names that would do harm where they are not escaped."""
import json
import pathlib
import subprocess

# As text of an element, in an attribute, in a script, in a comment; what cannot be in XML or breaks lines.
HARM = """</script><x-harm>&lt;"'<!--]]>${x}`\u2028\u202e\U0001f600 """
# As a page shows it: what ends a line or turns the text after it is told, not done.
SHOWN = HARM.strip().replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
SCENARIO = """name: {name}
description: {name}
trace: {{path: {trace}, limit: {limit}}}
sla: {{ttft_ms: 1500, tpot_ms: 50}}
engine: {{profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}}
pools: {{prefill: {{replicas: 3}}, decode: {{replicas: 2}}}}
startup: {{delay_s: 30}}
policy: {{type: planner, mode: disagg, throughput_adjustment_interval: 60, load_predictor: constant, min_endpoint: 2}}
expect:
  - attainment.overall >= 0.999
  - requests.lost <= 0
compare:
  - {{key: attainment.overall, statistical: 0.95, absolute: 0.02}}
  - {{key: latency_ms.ttft.p99, relative: 0.1}}
  - {{key: gpu_hours.total, relative: 0.01}}
"""

TWO = """name: {name}
sla: {{ttft_ms: 1500, tpot_ms: 20, window_s: 30}}
router: kv_aware
engine: {{profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}}
pools: {{agg: {{replicas: 1}}}}
startup: {{delay_s: 20}}
arbiter: {{type: fair_share, max_gpus: 4}}
policy: {{type: planner, mode: agg, enable_throughput_scaling: false, enable_load_scaling: true, load_adjustment_interval: 10,
  load_min_observations: 3, min_endpoint: 1, ttft: 400, itl: 10}}
deployments:
  chat: {{traffic: {{rate_per_s: [[0, 2], [120, 16], [240, 2]], isl_tok: 4000, osl_tok: [50, 250]}}}}
  code: {{traffic: {{rate_per_s: [[0, 12], [120, 2], [240, 12]], isl_tok: 6000, osl_tok: 100}}}}
"""


def quoted(text):
    """In YAML, where U+2028 is the end of a line."""
    return json.dumps(str(text), ensure_ascii=False).replace("\u2028", "\\u2028")


class Site:
    """A folder with a scenario, and pages that are written when they are asked for."""

    def __init__(self, headroom, project, folder, limit=3000):
        self.headroom, self.project, self.folder = pathlib.Path(headroom).resolve(), pathlib.Path(project).resolve(), pathlib.Path(folder)
        trace = self.folder / HARM.strip() / "trace.jsonl.gz"  # the name has a slash: two folders
        trace.parent.mkdir(parents=True)
        trace.symlink_to(self.project / "traces/data/mooncake_conversation.jsonl.gz")
        self.trace = trace
        self.scenario = trace.parent / "scenario.yaml"
        self.two = trace.parent / "two.yaml"
        self.two.write_text(TWO.format(name=quoted(HARM)))
        self.scenario.write_text(SCENARIO.format(name=quoted(HARM), trace=quoted(trace), limit=limit))

    def run(self, *words, status=0):
        done = subprocess.run([self.headroom, *map(str, words)], cwd=self.folder, capture_output=True, text=True)
        if status is not None and done.returncode != status:
            raise SystemExit(f"headroom {' '.join(map(str, words))}: exit status {done.returncode}\n{done.stderr}")
        return done.stdout
