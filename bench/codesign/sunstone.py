"""The original mapper as a process: reads one product and accelerator a line, writes cycles, energy and its time."""

import json
import os
import resource
import sys
import time

checkout = sys.argv[1]
# Its package imports other third parties; the mapper and the file that drives it need none of them.
sys.path[:0] = [
    os.path.join(checkout, part) for part in ("phaze/third_party_for_phaze/sunstone", "phaze/Estimator/utils")
]
from tc_estimator import tensor_core_estimate

output = os.fdopen(os.dup(1), "w")
sys.stdout = sys.stderr


def processor_seconds():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


for line in sys.stdin:
    case = json.loads(line)
    dimensions = case["dimensions"]
    operation = [dimensions.get(name, 1) for name in ("B", "N", "K", "C", "W", "H", "R", "S")]
    operation += [1, 1, 1, 1, "", dimensions.get("P", 1), dimensions.get("Q", 1), 0, 0]
    started, processor = time.perf_counter(), processor_seconds()
    found = tensor_core_estimate(case["machine"], operation, case["energies"])
    seconds, processor = time.perf_counter() - started, processor_seconds() - processor
    answer = {"seconds": seconds, "processorSeconds": processor}
    if found:
        answer.update(cycles=float(found[0]), energyPicojoules=float(found[1]))
    output.write(json.dumps(answer) + "\n")
    output.flush()
