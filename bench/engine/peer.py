"""The PyTorch side of the bench: one JSON command a line on standard input, one JSON reply a line on standard output."""

import json
import os
import resource
import sys
import time

sizes, folder, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
os.environ["OMP_NUM_THREADS"] = str(threads)

import numpy
import torch
import torch.nn.functional as F

from models import decode, network

torch.set_num_threads(threads)
KINDS = {"F32": numpy.float32, "I32": numpy.int32}


def read(name):
    data = open(os.path.join(folder, name), "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for key, entry in json.loads(data[8:start]).items():
        low, high = entry["data_offsets"]
        array = numpy.frombuffer(data[start + low : start + high], KINDS[entry["dtype"]])
        tensors[key] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return tensors


parameters = {name: value.requires_grad_() for name, value in read("parameters.safetensors").items()}
batches = read("batches.safetensors")
undecayed = [p for name, p in parameters.items() if p.dim() == 1 or name.endswith(".conv")]
decayed = [p for name, p in parameters.items() if not (p.dim() == 1 or name.endswith(".conv"))]
groups = [{"params": decayed, "weight_decay": 0.1}, {"params": undecayed, "weight_decay": 0.0}]
optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
done = 0


def backward():
    optimiser.zero_grad(set_to_none=True)
    at = done % batches["tokens"].shape[0]
    logits = network(parameters, batches["tokens"][at].long(), sizes)
    loss = F.cross_entropy(logits.flatten(0, 1), batches["targets"][at].long().flatten())
    loss.backward()
    return loss


def update():
    global done
    loss = backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
    optimiser.step()
    done += 1
    return {"loss": loss.item(), "norm": norm.item()}


def gradients():
    backward()
    with open(os.path.join(folder, "gradients.bin"), "wb") as file:
        for p in parameters.values():
            file.write(p.grad.numpy().tobytes())
    return {}


def timed(act):
    cpu, wall = time.process_time(), time.perf_counter()
    result = act()
    return {**result, "cpuSeconds": time.process_time() - cpu, "wallSeconds": time.perf_counter() - wall}


acts = {
    "update": update,
    "gradients": gradients,
    "decode": lambda: {"tokens": decode(parameters, sizes, 1, sizes["length"] - 1)},
    "memory": lambda: {"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024},
    "version": lambda: {"version": "PyTorch " + torch.__version__},
}
for line in sys.stdin:
    print(json.dumps(timed(acts[json.loads(line)])), flush=True)
