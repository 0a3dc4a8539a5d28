"""Which BLAS kernels suit the processor."""

from pathlib import Path

import pytest

from bootstrap.processor import better_kernels

AVX512 = "fpu sse2 avx2 avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("AuthenticAMD", AVX512, "SkylakeX"),
        ("AuthenticAMD", "fpu sse2 avx2", None),
        ("AuthenticAMD", "fpu sse2 avx2 avx512f", None),
        ("GenuineIntel", AVX512, None),  # OpenBLAS knows these itself
    ],
)
def test_kernels_then_are_named_for_a_processor_that_openblas_underrates(
    tmp_path: Path, vendor: str, flags: str, expected: str | None
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\nprocessor\t: 1\n", encoding="utf-8")
    assert better_kernels(cpuinfo) == expected


def test_kernels_when_nothing_is_known_of_the_processor_then_are_left_to_openblas(tmp_path: Path) -> None:
    assert better_kernels(tmp_path / "missing") is None
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_bytes(b"\xff\xfe no colon\n")
    assert better_kernels(cpuinfo) is None
