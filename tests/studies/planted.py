"""Planted causes, each with the same scenario without it, in which few miss: written without a look at the rules, and
found at first try in 49 of 69 cases (docs/causes.md). Other engines and loads than those of check_causes, and each kind of
policy."""
import copy

H200_8B = "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1"
H100_8B = "h100_sxm/vllm/Llama-3.1-8B-FP8/TP1@0.24.0"
TRT_8B = "h200_sxm/trtllm/Llama-3.1-8B-FP8/TP1@1.3.0rc20"
SGL_8B = "h100_sxm/sglang/Llama-3.1-8B-FP8/TP1@0.5.14"
QWEN = "h100_sxm/vllm/Qwen3-32B-FP8/TP2@0.24.0"
H200_70B = "h200_sxm/vllm/Llama-3.3-70B-FP8/TP4@0.24.0"
RANKS = (("h200_sxm/vllm/Qwen3-235B-A22B-FP8/DP8EP8", 30), ("h200_sxm/trtllm/DeepSeek-V3-FP8/DP8EP8@1.3.0rc20", 45),
         ("h200_sxm/sglang/DeepSeek-V3-FP8/DP8EP8", 55))


def short(profile):
    return profile.split("/")[2]


def merged(a, b):
    out = copy.deepcopy(a)
    for k, v in b.items():
        whole = k == "policy" and v.get("type") == "static"
        into = not whole and isinstance(v, dict) and isinstance(out.get(k), dict)
        out[k] = merged(out[k], v) if into else copy.deepcopy(v)
    return out


def scenario(profile, pools, rate, isl=2000, osl=150, ttft=2000, tpot=60, delay=20, **more):
    spread = lambda n: n if isinstance(n, list) else [round(0.8 * n), round(1.2 * n)]
    s = {"sla": {"ttft_ms": ttft, "tpot_ms": tpot}, "engine": {"profile": profile}, "router": "kv_aware",
         "startup": {"delay_s": delay}, "metrics": {"idle_workers": True}, "policy": {"type": "static"},
         "pools": {p: n if isinstance(n, dict) else {"replicas": n} for p, n in pools.items()}}
    if rate is not None:
        s["traffic"] = {"rate_per_s": rate if isinstance(rate, list) else [[0, rate], [600, rate]],
                        "isl_tok": spread(isl), "osl_tok": spread(osl)}
    if "prefill" in pools:
        s["kv_transfer"] = {"bandwidth_gb_s": 50}
    return merged(s, more)


def throughput(mode, interval=60, **more):
    return {"type": "planner", "mode": mode, "throughput_adjustment_interval": interval, "load_predictor": "constant",
            "max_gpu_budget": 128, **more}


def load(mode, interval=10, **more):
    return {"type": "planner", "mode": mode, "enable_throughput_scaling": False, "enable_load_scaling": True,
            "load_adjustment_interval": interval, "max_gpu_budget": 128, **more}


def jump(low, high, at=500, end=1400):
    return [[0, low], [at, low], [at, high], [end, high]]


def rows(seconds, per_s, isl, osl, extra=lambda i: []):
    """Even arrivals, and what comes beside them."""
    out = []
    for i in range(int(seconds * per_s)):
        out.append((round(1000 * i / per_s), isl, osl))
    out += [e for i in range(seconds) for e in extra(i)]
    return sorted(out)


def kept(*pools, n=6):
    """A fleet that is large enough from the start."""
    return {"policy": {"type": "static"}, "pools": {p: {"replicas": n} for p in pools}}


def plants():
    """Cause, name, scenario, what is merged over it to take the cause away; where it replays a trace: its rows, and those
    without the cause."""
    kind_of, slow = {"agg": "load", "disagg": "throughput"}, {"agg": load, "disagg": throughput}
    # ---- slow start-up ----
    fast = {"startup": {"delay_s": 1}}
    yield "startup", "throughput, disagg, 8B, 300 s", scenario(
        H100_8B, {"prefill": 1, "decode": 1}, jump(4, 40), delay=300, policy=throughput("disagg", 30)), fast
    yield "startup", "throughput, disagg, 70B, 420 s", scenario(
        H200_70B, {"prefill": 1, "decode": 1}, jump(2, 12), delay=420, policy=throughput("disagg", 40)), fast
    yield "startup", "load, agg, Qwen, 360 s", scenario(
        QWEN, {"agg": 1}, jump(2, 14), delay=360, policy=load("agg", 10)), kept("agg", n=10)
    yield "startup", "load, agg, 8B, 240 s", scenario(
        H200_8B, {"agg": 2}, jump(5, 40), delay=240, policy=load("agg", 5)), kept("agg", n=10)
    yield "startup", "load, disagg, 8B, 300 s", scenario(
        TRT_8B, {"prefill": 1, "decode": 1}, jump(5, 40), delay=300,
        policy=load("disagg", 5)), kept("prefill", "decode", n=6)
    # ---- tiny KV ----
    engine_room, decode_room = {"engine": {"kv_blocks": 6000}}, {"pools": {"decode": {"kv_blocks": 6000}}}
    tiny_decode = {"prefill": 2, "decode": {"replicas": 1, "kv_blocks": 250, "block_size_tok": 64}}
    yield "kv_room", "static, agg, Qwen, 40 blocks", scenario(
        QWEN, {"agg": 2}, 4, engine={"kv_blocks": 90, "block_size_tok": 64}), {"engine": {"kv_blocks": 4000}}
    yield "kv_room", "static, agg, 70B", scenario(
        H200_70B, {"agg": 1}, 2, engine={"kv_blocks": 100, "block_size_tok": 64}, osl=300), engine_room
    yield "kv_room", "static, agg, 8B, trtllm", scenario(
        TRT_8B, {"agg": 2}, 8, engine={"kv_blocks": 120, "block_size_tok": 64}, osl=300), engine_room
    yield "decode_room", "static, disagg, 8B", scenario(
        H100_8B, tiny_decode, 6, osl=300), decode_room
    yield "decode_room", "throughput, disagg, Qwen", scenario(
        QWEN, tiny_decode, 3, osl=300, policy=throughput("disagg", 60)), decode_room
    yield "kv_room", "load, agg, 8B, at its budget", scenario(
        H200_8B, {"agg": 2}, 8, engine={"kv_blocks": 110, "block_size_tok": 64}, osl=300,
        policy=load("agg", 10, max_gpu_budget=2)), engine_room
    # ---- a long prompt in front ----
    for profile, long, every, kinds in ((H100_8B, 110000, 50, ("agg", "disagg")), (QWEN, 36000, 40, ("disagg",))):
        for kind in kinds:
            pools = {"agg": 1} if kind == "agg" else {"prefill": 1, "decode": 1}
            budget = sum(pools.values()) * (2 if profile == QWEN else 1)
            policies = [("static", {"type": "static"}), ("load", load(kind, 20, max_gpu_budget=budget))]
            if kind == "disagg":
                policies.append(("throughput", throughput(kind, 60, max_gpu_budget=budget)))
            front = rows(400, 3, 500, 40, lambda i: [(i * 1000 + 3, long, 10)] if i % every == 20 else [])
            for policy_name, policy in policies:
                yield ("long_prompt", f"{policy_name}, {kind}, {short(profile)}, {long}",
                       scenario(profile, pools, None, policy=policy), {}, front, rows(400, 3, 500, 40))
    # ---- starved link ----
    wide = {"kv_transfer": {"bandwidth_gb_s": 50}}
    nodes = {"cluster": {"nodes": 4, "gpus_per_node": 2, "placement": "spread"}}
    for policy_name, policy in (("static", {"type": "static"}),
                                ("throughput", throughput("disagg", 60, max_gpu_budget=6, min_endpoint=3)),
                                ("load", load("disagg", 20, max_gpu_budget=6, min_endpoint=3))):
        yield "link", f"{policy_name}, 8B, 1 link of 1.2 GB/s", scenario(
            H200_8B, {"prefill": 3, "decode": 3}, 14, isl=3000, policy=policy,
            kv_transfer={"bandwidth_gb_s": 1.0, "bytes_per_token": 131072, "links_per_node": 1}, **nodes), wide
        yield "transfer", f"{policy_name}, 8B, 0.1 GB/s", scenario(
            H100_8B, {"prefill": 3, "decode": 3}, 6, isl=3000, policy=policy,
            kv_transfer={"bandwidth_gb_s": 0.1, "bytes_per_token": 131072}), wide
    yield "link", "static, Qwen, 0.8 GB/s", scenario(
        QWEN, {"prefill": 2, "decode": 2}, 2, isl=4000, kv_transfer={"bandwidth_gb_s": 1.1, "links_per_node": 1},
        cluster={"nodes": 4, "gpus_per_node": 2}), wide
    # ---- late forecast ----
    for mode, pools in (("agg", {"agg": 1}), ("disagg", {"prefill": 1, "decode": 1})):
        yield "late_decision", f"{kind_of[mode]}, {mode}, 8B, every 480 s", scenario(
            H200_8B, pools, jump(4, 30, 1000, 2400), delay=10, policy=slow[mode](mode, 480)), kept(*pools, n=5)
        yield "late_decision", f"{kind_of[mode]}, {mode}, Qwen, every 600 s", scenario(
            QWEN, pools, jump(2, 16, 1260, 3000), delay=15, policy=slow[mode](mode, 600)), kept(*pools, n=6)
    yield "late_decision", "load, agg, 8B, every 300 s", scenario(
        H100_8B, {"agg": 1}, jump(4, 45, 630, 2400), delay=10, policy=load("agg", 300)), kept("agg", n=8)
    yield "late_decision", "load, prefill of disagg, 8B, every 300 s", scenario(
        H100_8B, {"prefill": 1, "decode": 8}, jump(4, 45, 630, 2400), delay=10,
        policy=load("prefill", 300)), kept("prefill", n=8)
    # ---- loss ----
    workers_last = {"failures": {"worker_mtbf_h": 0}}
    for mode, pools in (("agg", {"agg": 4}), ("disagg", {"prefill": 2, "decode": 4})):
        yield "lost", f"static, {mode}, workers fail, 8B", scenario(
            H100_8B, pools, 6, osl=1500, delay=1, tpot=200, failures={"worker_mtbf_h": 0.05}), workers_last
        yield "lost", f"static, {mode}, nodes fail, Qwen", scenario(
            QWEN, pools, 4, osl=800, delay=1, tpot=200, failures={"node_mtbf_h": 0.08, "node_repair_h": 0.02},
            cluster={"nodes": 6, "gpus_per_node": 4, "placement": "spread"}), {"failures": {"node_mtbf_h": 0}}
        yield "lost", f"load, {mode}, workers fail, 8B", scenario(
            H200_8B, pools, 5, osl=1500, delay=1, tpot=200, failures={"worker_mtbf_h": 0.05},
            policy=load(mode, 20, min_endpoint=4, max_gpu_budget=8)), workers_last
        yield "lost", f"static, {mode}, reclaimed without notice, 8B", scenario(
            SGL_8B, pools, 6, osl=1500, delay=1, tpot=200,
            failures={"spot_mtbf_h": 0.1, "spot_notice_s": 0, "spot_return_h": 0.01},
            cluster={"nodes": 8, "gpus_per_node": 1}), {"failures": {"spot_mtbf_h": 0}}
    # ---- taken away just before ----
    yield "scaled_down", "load, agg, 8B", scenario(
        H200_8B, {"agg": 5}, [[0, 30], [610, 30], [610, 2], [720, 2], [720, 30], [1300, 30]], delay=300,
        policy=load("agg", 20)), kept("agg")
    for profile, low, high in ((H200_8B, 3, 36), (QWEN, 2, 16)):
        yield "scaled_down", f"throughput, disagg, {short(profile)}", scenario(
            profile, {"prefill": 4, "decode": 2},
            [[0, high], [610, high], [610, low], [760, low], [760, high], [1500, high]],
            delay=240, policy=throughput("disagg", 60)), kept("prefill", "decode")
    yield "scaled_down", "load, disagg, 8B", scenario(
        H200_8B, {"prefill": 4, "decode": 2}, [[0, 30], [610, 30], [610, 2], [720, 2], [720, 30], [1300, 30]], delay=300,
        policy=load("disagg", 20)), kept("prefill", "decode")
    # ---- no worker ----
    one = {pool: {"pools": {pool: {"replicas": 1}}} for pool in ("prefill", "decode")}
    yield "no_worker", "static, no decode worker, 8B", scenario(
        H200_8B, {"prefill": 2, "decode": 0}, 3, span={"drain_s": 30}), one["decode"]
    yield "no_worker", "static, no decode worker", scenario(
        QWEN, {"prefill": 1, "decode": 0}, 2, client={"timeout_s": 20}), one["decode"]
    yield "no_worker", "static, no prefill worker", scenario(
        H100_8B, {"prefill": 0, "decode": 1}, 2, client={"timeout_s": 60}), one["prefill"]
    # ---- held back by the router ----
    fresh = {"router_view": {"interval_s": 0}, "router_queue": {"threshold": 4}}
    for mode, pools in (("agg", {"agg": 2}), ("disagg", {"prefill": 2, "decode": 2})):
        yield "router", f"{mode}, an old view", scenario(
            H200_8B, pools, 4, router_view={"interval_s": 8}, router_queue={"threshold": 0.1}), fresh
        yield "router", f"{mode}, an old view, Qwen", scenario(
            QWEN, pools, 2, ttft=3000, router_view={"interval_s": 15}, router_queue={"threshold": 0}), fresh
    # ---- shared steps ----
    for mode, pools in (("agg", {"agg": 1}), ("disagg", {"prefill": 1, "decode": 1})):
        for profile, isl, n, ttft in ((H200_8B, 6000, 4, 400), (QWEN, 2500, 6, 500), (H100_8B, 4000, 8, 500)):
            together = [(t, isl, 20) for t in range(0, 400_000, 4000) for _ in range(n)]
            apart = [(t + i * 4000 // n, isl, 20) for t in range(0, 400_000, 4000) for i in range(n)]
            yield "prefill_shared", f"static, {mode}, {short(profile)}, {n} of {isl} at once", scenario(
                profile, pools, None, ttft=ttft, tpot=400, engine={"max_num_batched_tokens": 65536}), {}, together, apart
    # ---- other ranks ----
    for profile, tpot in RANKS:
        yield "decode_ranks", f"agg, {short(profile)}", scenario(
            profile, {"agg": 1}, 0.6, isl=8000, osl=500, ttft=10000, tpot=tpot), {"traffic": {"isl_tok": [30, 40]}}
    # ---- the end of the run ----
    for mode, pools in (("agg", {"agg": 2}), ("disagg", {"prefill": 1, "decode": 1})):
        for profile, osl in ((H200_8B, 8000), (QWEN, 3000)):
            yield "run_end", f"{mode}, {short(profile)}", scenario(
                profile, pools, [[0, 1], [60, 1]], isl=300, osl=osl, span={"drain_s": 2}), {"span": {"drain_s": 0}}
