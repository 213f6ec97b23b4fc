"""Checks an exported network and runs it: exported.py MODEL TOKENS LOGITS (int32 in, float32 out, bytes)."""

import sys

import numpy
import onnx
import onnxruntime

model, tokens, logits = sys.argv[1:]
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
ids = numpy.fromfile(tokens, "<i4").reshape(1, -1)
session.run(["logits"], {"input_ids": ids})[0].astype("<f4").tofile(logits)
print(f"onnx {onnx.__version__} finds no fault; onnxruntime {onnxruntime.__version__}")
