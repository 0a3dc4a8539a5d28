"""Policies as ONNX graphs. The package onnx is an optional extra: only `graph` and `parity` import it, when they are needed."""
