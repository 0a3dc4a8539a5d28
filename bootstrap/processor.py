"""What numpy's BLAS should know of the processor and does not find out by itself."""

from pathlib import Path

WIDE = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
KERNELS = "SkylakeX"


def better_kernels(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """The OPENBLAS_CORETYPE that suits the processor better than what OpenBLAS would take, None where there is none.

    OpenBLAS knows processors by their maker's numbers. In numpy's wheels it gives the kernels of Haswell to every one of
    AMD, also to those (since Zen 4) that have AVX-512: the matrix products of a small network take twice the time.
    A numpy with another BLAS, or without these kernels, ignores the name.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    first: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        first.setdefault(name.strip(), value.strip())
    wide = set(first.get("flags", "").split()) >= WIDE
    return KERNELS if wide and first.get("vendor_id") == "AuthenticAMD" else None
