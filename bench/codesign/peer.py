"""Ax as an ask-and-tell process: reads a problem and metrics as JSON lines, writes proposals and the time they took."""

import json
import logging
import sys
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig

torch.set_num_threads(1)


def read():
    return json.loads(sys.stdin.readline())


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


problem = read()
client = Client(random_seed=problem["seed"])
client.configure_experiment(
    parameters=[
        ChoiceParameterConfig(name=name, values=values, parameter_type="int", is_ordered=True)
        for name, values in problem["parameters"].items()
    ]
)
client.configure_optimization(objective=problem["objective"], outcome_constraints=problem["constraints"])
client.configure_generation_strategy(
    initialization_budget=problem["initial"], initialization_random_seed=problem["seed"], allow_exceeding_initialization_budget=False
)
for _ in range(problem["trials"]):
    started = time.process_time()
    [(index, parameters)] = client.get_next_trials(max_trials=1).items()
    write({"candidate": parameters, "seconds": time.process_time() - started})
    # Deterministic: no noise.
    client.complete_trial(index, raw_data={name: (value, 0.0) for name, value in read().items()})
