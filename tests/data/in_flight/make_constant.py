"""Writes constant.npz: an engine whose times can be computed in the head. A prompt takes 0.1 ms per token, a decode step
100 ms whatever is in it; 100,000 KV tokens."""
import io
import struct
import zipfile

MAX_KV_TOK, STEP_S = 100_000, 0.1
ISL = [100, 1000, 4000, 10000]
POINTS = [(usage, context) for context in (100, 1000, 5000) for usage in (0.1, 0.5, 0.9)]

ARRAYS = {
    "prefill_isl": ISL,
    "prefill_ttft": [0.1 * isl for isl in ISL],
    "prefill_thpt_per_gpu": [10_000 for _ in ISL],
    "x_kv_usage": [usage for usage, _ in POINTS],
    "y_context_length": [context for _, context in POINTS],
    "z_itl": [1000 * STEP_S for _ in POINTS],
    "z_thpt_per_gpu": [usage * MAX_KV_TOK / context / STEP_S for usage, context in POINTS],
    "max_kv_tokens": [MAX_KV_TOK],
}


def npy(values):
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values)},), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}d", *values)


out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    for key, values in ARRAYS.items():
        archive.writestr(zipfile.ZipInfo(f"{key}.npy"), npy(values))
with open("constant.npz", "wb") as file:
    file.write(out.getvalue())
