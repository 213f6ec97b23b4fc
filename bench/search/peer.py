"""One peer as an ask-and-tell process: reads problems, each followed by outcomes, as JSON lines; writes proposals and their processor time."""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def read():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def optuna_peer(problem):
    import optuna
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.GPSampler(
        seed=problem["seed"],
        n_startup_trials=problem["initial"],
        deterministic_objective=not problem["noisy"],
        constraints_func=(lambda trial: trial.user_attrs["slacks"]) if problem["slacks"] else None,
    )
    study = optuna.create_study(directions=["minimize"] * problem["losses"], sampler=sampler)
    trial = None

    def ask():
        nonlocal trial
        trial = study.ask()
        return [trial.suggest_float(f"x{i}", 0, 1) for i in range(problem["dimensions"])]

    def tell(losses, slacks):
        trial.set_user_attr("slacks", slacks)
        study.tell(trial, losses)

    return ask, tell


def botorch_peer(problem):
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
    from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
    from botorch.acquisition.objective import GenericMCObjective
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import ModelListGP, SingleTaskGP
    from botorch.optim import optimize_acqf
    from botorch.sampling import SobolQMCNormalSampler
    from gpytorch.mlls import SumMarginalLogLikelihood

    torch.set_num_threads(1)
    torch.manual_seed(problem["seed"])
    d, m = problem["dimensions"], problem["losses"]
    bounds = torch.stack([torch.zeros(d), torch.ones(d)]).double()
    engine = torch.quasirandom.SobolEngine(d, scramble=True, seed=problem["seed"])
    xs, ys = [], []

    def ask():
        if len(xs) < problem["initial"]:
            point = engine.draw(1).double()[0]
        else:
            x, y = torch.stack(xs), torch.tensor(ys, dtype=torch.double)
            noise = None if problem["noisy"] else torch.full_like(y[:, :1], 1e-6)
            model = ModelListGP(*[SingleTaskGP(x, y[:, k : k + 1], noise) for k in range(y.shape[1])])
            fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
            sampler = SobolQMCNormalSampler(torch.Size([128]), seed=problem["seed"])
            constraints = [lambda z, k=k: z[..., k] for k in range(m, y.shape[1])] or None
            # The columns are negative losses, which botorch maximises, then slacks.
            if m > 1:
                acquisition = qLogNoisyExpectedHypervolumeImprovement(
                    model,
                    ref_point=[-value for value in problem["reference"]],
                    X_baseline=x,
                    sampler=sampler,
                    prune_baseline=True,
                    objective=IdentityMCMultiOutputObjective(outcomes=list(range(m))),
                    constraints=constraints,
                )
            else:
                acquisition = qLogNoisyExpectedImprovement(
                    model,
                    X_baseline=x,
                    sampler=sampler,
                    prune_baseline=True,
                    objective=GenericMCObjective(lambda z, X=None: z[..., 0]),
                    constraints=constraints,
                )
            point = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512)[0][0]
        xs.append(point.detach())
        return point.tolist()

    def tell(losses, slacks):
        ys.append([-value for value in losses] + slacks)

    return ask, tell


def ax_peer(problem):
    import logging

    logging.disable(logging.CRITICAL)
    import torch
    from ax.api.client import Client
    from ax.api.configs import RangeParameterConfig

    torch.set_num_threads(1)
    client = Client(random_seed=problem["seed"])
    names = [f"x{i}" for i in range(problem["dimensions"])]
    client.configure_experiment(
        parameters=[RangeParameterConfig(name=name, bounds=(0.0, 1.0), parameter_type="float") for name in names]
    )
    metrics = [f"f{k}" for k in range(problem["losses"])]
    slacks = [f"c{k}" for k in range(problem["slacks"])]
    thresholds = (
        [f"{name} <= {value}" for name, value in zip(metrics, problem["reference"])] if len(metrics) > 1 else []
    )
    client.configure_optimization(
        objective=", ".join(f"-{name}" for name in metrics),
        outcome_constraints=thresholds + [f"{name} <= 0" for name in slacks],
    )
    client.configure_generation_strategy(
        initialization_budget=problem["initial"], initialization_random_seed=problem["seed"]
    )
    index = None

    def ask():
        nonlocal index
        [(index, parameters)] = client.get_next_trials(max_trials=1).items()
        return [parameters[name] for name in names]

    def tell(losses, values):
        data = dict(zip(metrics + slacks, losses + values))
        noise = None if problem["noisy"] else 0.0
        client.complete_trial(index, raw_data={name: (value, noise) for name, value in data.items()})

    return ask, tell


PEERS = {"optuna": optuna_peer, "botorch": botorch_peer, "ax": ax_peer}
while problem := read():
    ask, tell = PEERS[sys.argv[1]](problem)
    for _ in range(problem["trials"]):
        started = time.process_time()
        point = ask()
        write({"point": point, "seconds": time.process_time() - started})
        outcome = read()
        tell(outcome["losses"], outcome["slacks"])
