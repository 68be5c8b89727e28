"""How the engines of InferenceX's measured points were started, as far as a row does not say.

Facts of the benchmark's public scripts and configurations (github.com/SemiAnalysisAI/InferenceX, Apache-2.0,
benchmarks/ and .github/configs/ at the date of each run), as engine keys of a scenario. Its clients are told nothing of
streaming intervals: SGLang, vLLM and TensorRT-LLM send the first token at once whatever the interval.
"""

# Versions of rows that have a date, or a tag such as nightly-dev, alone: the images that the configurations named then.
VERSIONS = {
    "vllm": [("2025-11-30", "0.11.0"), ("2025-12-31", "0.11.2"), ("2026-02-28", "0.15.1"), ("2026-04-01", "0.17.0"),
             ("9999", "0.19.0")],
    "sglang": [("2025-11-15", "0.5.3"), ("2025-12-31", "0.5.5"), ("2026-02-28", "0.5.8"), ("2026-04-07", "0.5.9"),
               ("9999", "0.5.10")],
    "trtllm": [("2025-12-31", "1.1.0"), ("9999", "1.2.0")],
}


def version(row):
    """Of the engine."""
    said = row["framework_version"].lstrip("v")
    if said[:1].isdigit():
        return said
    return next(name for until, name in VERSIONS[row["framework"]] if row["measured"][:10] <= until)


def vllm(row, isl_tok, clients, date):
    small = row["model"].startswith("MiniMax") and (row["precision"] == "fp4" or date >= "2026-04-01")
    small |= row["model"].startswith("moonshotai") and date >= "2026-04-20"
    return {"max_num_batched_tokens": 2 * isl_tok if small else 8192, "max_num_seqs": clients}


def sglang(row, isl_tok, clients, date):
    hopper = row["gpu"].startswith(("h100", "h200"))
    deepseek, qwen = "DeepSeek" in row["model"], "Qwen" in row["model"]
    budget_tok = 16384
    if deepseek and row["precision"] == "fp8":
        budget_tok = 8192 if row["tp"] == "4" and not hopper else 32768
    elif qwen and not hopper:
        budget_tok = 32768
    elif row["model"] == "zhipuai/GLM-5":
        budget_tok = 8192 if hopper else 131072 if row["precision"] == "fp4" else 32768
    keys = {"max_num_batched_tokens": budget_tok, "max_num_seqs": 256}
    if (deepseek or qwen) and not hopper:
        keys["queue_look_steps"] = 30 if clients >= 16 else 10
    return keys


def trtllm(row, isl_tok, clients, date):
    short = row["isl_tok"] == row["osl_tok"] == "1024"
    if "Llama" in row["model"]:
        keys = {"max_num_batched_tokens": 16384}
        if short:
            keys |= {"batch_wait_steps": 20, "batch_wait_share": 0.9}
    elif "gpt-oss" in row["model"]:
        keys = {"max_num_batched_tokens": 20000}
    else:
        budget_tok = (clients + isl_tok + 64 + 63) // 64 * 64
        keys = {"max_num_batched_tokens": max(budget_tok, 8192) if date >= "2026-01-28" else budget_tok}
        if date >= "2026-01-28" and row["precision"] == "fp8" and row["gpu"] == "b200_sxm" and short and clients >= 64:
            keys |= {"batch_wait_steps": 40, "batch_wait_share": 0.8}
    return keys | {"max_num_seqs": 512}


FRAMEWORKS = {"vllm": vllm, "sglang": sglang, "trtllm": trtllm}


def engine_keys(row, clients):
    """Of the engine of a row with so many clients, {} for one that is not InferenceX's. Limits are raised to what the
    clients need."""
    if row["source"] != "inferencex" or row["topology"] != "agg":
        return {}
    keys = FRAMEWORKS[row["framework"]](row, int(row["isl_tok"]), clients, row["measured"][:10])
    keys["max_num_seqs"] = max(keys["max_num_seqs"], clients)
    keys["max_num_batched_tokens"] = max(keys["max_num_batched_tokens"], keys["max_num_seqs"])
    return keys | {"framework_version": version(row)}
