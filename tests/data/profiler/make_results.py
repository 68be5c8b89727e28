"""Writes folders as Dynamo's profiler leaves them, each of one made-up engine or one slip of the hand."""
import os
import struct
import zipfile

MAX_KV_TOKENS = 400000
ISL = [100, 1000, 2000, 4000, 8000, 16000]
CONTEXTS = [500, 2000, 8000, 16000]
USAGE = [0.05, 0.2, 0.5, 0.9]


def write(path, arrays):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with zipfile.ZipFile(path, "w") as z:
        for key, values in arrays.items():
            head = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % len(values)
            head = head.ljust(117) + "\n"
            data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
            data += struct.pack("<%dd" % len(values), *values)
            z.writestr(zipfile.ZipInfo(key + ".npy", (1980, 1, 1, 0, 0, 0)), data)


def prefill(gpus, unit_s=False):
    ttft = [12 + 0.24 / gpus * n + 1e-6 * n * n for n in ISL]
    thpt = [n / t * 1000 / gpus for n, t in zip(ISL, ttft)]
    return {"prefill_isl": ISL, "prefill_ttft": [t / 1000 if unit_s else t for t in ttft],
            "prefill_thpt_per_gpu": thpt}


def decode(gpus, unit_s=False, percent=False, says_kv=True):
    usage, context, itl, thpt = [], [], [], []
    for c in CONTEXTS:
        for u in USAGE:
            batch = u * MAX_KV_TOKENS / c
            ms = 6 + (0.1 * batch + 8e-5 * u * MAX_KV_TOKENS) / gpus
            usage.append(u * 100 if percent else u)
            context.append(c)
            itl.append(ms / 1000 if unit_s else ms)
            thpt.append(batch / ms * 1000 / gpus * 0.97)
    arrays = {"x_kv_usage": usage, "y_context_length": context, "z_itl": itl, "z_thpt_per_gpu": thpt}
    if says_kv:
        arrays["max_kv_tokens"] = [MAX_KV_TOKENS]
    return arrays


def folder(name, prefill_half, decode_half):
    if prefill_half:
        write(name + "/selected_prefill_interpolation/raw_data.npz", prefill_half)
    if decode_half:
        write(name + "/selected_decode_interpolation/raw_data.npz", decode_half)


os.chdir(os.path.dirname(os.path.abspath(__file__)))
folder("tp4", prefill(4), decode(4))
folder("prefill2_decode4", prefill(2), decode(4))
folder("no_capacity", prefill(4), decode(4, says_kv=False))
folder("prefill_alone", prefill(4), None)
folder("decode_alone", None, decode(4))
folder("ttft_in_s", prefill(4, unit_s=True), decode(4))
folder("itl_in_s", prefill(4), decode(4, unit_s=True))
folder("usage_in_percent", prefill(4), decode(4, percent=True))
