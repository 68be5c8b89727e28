"""Writes kinds.npz, kinds_deflated.npz, kinds_h5py.h5 and measured_h5py.h5 (NumPy 2, h5py 3)."""
import h5py
import numpy as np

KINDS = {
    "f8": np.array([1.5, -2.25, 1e-300]),
    "f4": np.array([0.1, 2.5], dtype="<f4"),
    "i8": np.array([-(2**63), 2**63 - 1]),
    "i4": np.array([-7, 7], dtype="<i4"),
    "i2": np.array([-300, 300], dtype="<i2"),
    "i1": np.array([-128, 127], dtype="i1"),
    "u8": np.array([0, 2**63 - 1], dtype="<u8"),
    "u4": np.array([0, 2**32 - 1], dtype="<u4"),
    "u1": np.array([0, 255], dtype="u1"),
    "b1": np.array([True, False]),
    "U": np.array(["", "grün", "日本 😀"]),
    "S": np.array([b"plain", b"x"]),
    "scalar": np.array(42),
    "empty": np.zeros((0,)),
    "c_order": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "fortran_text": np.asfortranarray(np.array([["a", "b", "c"], ["d", "e", "f"]])),
}
np.savez("kinds.npz", **KINDS)
np.savez_compressed("kinds_deflated.npz", **KINDS)

with h5py.File("kinds_h5py.h5", "w") as f:
    for key, value in KINDS.items():
        if value.dtype.kind == "U":
            f.create_dataset(key, data=value.astype(object), dtype=h5py.string_dtype())
        else:
            f.create_dataset(key, data=value)
    padded = h5py.h5t.FORTRAN_S1.copy()
    padded.set_size(4)
    h5py.h5d.create(f.id, b"spaces", padded, h5py.h5s.create_simple((2,)))
    f["spaces"].id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b"a   ", b"b c "]), padded)

with h5py.File("measured_h5py.h5", "w", track_order=True) as f:
    for key, value in np.load("H200_SXM__vllm__Llama-3.1-8B-FP8__TP1.measured.npz").items():
        f[key] = value.astype(h5py.string_dtype()) if value.dtype.kind == "U" else value
