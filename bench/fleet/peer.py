"""The groupings of the reliability report in pandas, as one would write them for a log that fits in memory.

Prints its figures as JSON, so that the bench can see that both counted the same, and its own times.
Run: python bench/fleet/peer.py SACCT EVENTS
"""

import json
import re
import resource
import sys
import time

started = time.perf_counter()

import numpy as np
import pandas as pd

try:
    import pyarrow  # noqa: F401

    engine = "pyarrow"
except ImportError:
    engine = "c"

DAY = 86_400
sacct_file, events_file = sys.argv[1:3]

# --- reading: only the columns that are grouped, with the types that make them small
times = ["Submit", "Eligible", "Start", "End"]
log = pd.read_csv(
    sacct_file,
    sep="|",
    engine=engine,
    usecols=["JobIDRaw", *times, "ElapsedRaw", "AllocNodes", "NodeList", "AllocTRES", "State"],
    dtype={
        "JobIDRaw": "int64",
        "ElapsedRaw": "int64",
        "AllocNodes": "int32",
        "NodeList": "category",
        "AllocTRES": "category",
        "State": "category",
    },
    parse_dates=times,
    date_format="%Y-%m-%dT%H:%M:%S",
)
events = pd.read_csv(events_file, sep="|", parse_dates=["TimeStart", "TimeEnd"], date_format="%Y-%m-%dT%H:%M:%S")


def seconds(column):
    return column.to_numpy().astype("datetime64[s]").astype("int64")


submit, eligible, start, end = (seconds(log[name]) for name in times)
elapsed = log["ElapsedRaw"].to_numpy()
nodes = log["AllocNodes"].to_numpy()
per_text = log["AllocTRES"].cat.categories.str.extract(r"gres/gpu=(\d+)", expand=False).fillna("0").astype(int)
accelerators = per_text.to_numpy()[log["AllocTRES"].cat.codes]
size = 2 ** np.ceil(np.log2(np.maximum(accelerators, 1))).astype(int)
state = log["State"]
failed = (state == "NODE_FAIL").to_numpy()

# --- attempts that are reported twice, and how attempts ended
repeats = int(log.duplicated(["JobIDRaw", "Submit", "Start"], keep="last").sum())
by_state = state.value_counts().to_dict()

# --- runs: attempts of one job id, with what each waited, was held, ran and lost
run, _ = pd.factorize(log["JobIDRaw"])
runs = int(run.max()) + 1
order = np.lexsort((start, run))
again = np.zeros(len(log), bool)
again[order[1:]] = run[order[1:]] == run[order[:-1]]
trained = np.maximum(elapsed - 300, 0)
lost = np.where(failed, np.where(trained < 3600, trained - trained**2 / 7200, 1800), 0)
account = pd.DataFrame(
    {
        "queue": np.bincount(run, np.maximum(start - eligible, 0), runs),
        "held": np.bincount(run, np.where(again, eligible - submit, 0), runs),
        "ran": np.bincount(run, elapsed, runs),
        "restart": np.bincount(run, np.minimum(elapsed, 300), runs),
        "lost": np.bincount(run, lost, runs),
        "interruptions": np.bincount(run, failed, runs),
    }
)
account["size"] = 0
account.loc[run, "size"] = size
account["wall"] = account["queue"] + account["ran"]
account["productive"] = account["ran"] - account["restart"] - account["lost"]
long = account[account["wall"] >= DAY]
measured = long.groupby("size")[["wall", "productive", "interruptions"]].sum()
requeue_waits = (start - eligible)[again]

# --- MTTF by size of job, and goodput lost by size
by_size = pd.DataFrame(
    {
        "size": size,
        "seconds": elapsed,
        "node_seconds": elapsed * nodes,
        "failures": failed,
        "lost": np.where(failed, np.minimum(elapsed, 1800) * accelerators / 3600, 0),
        "hours": elapsed * accelerators / 3600,
    }
)
sizes = by_size.groupby("size").agg(
    attempts=("seconds", "size"),
    seconds=("seconds", "sum"),
    node_seconds=("node_seconds", "sum"),
    failures=("failures", "sum"),
    lost=("lost", "sum"),
    hours=("hours", "sum"),
)

# --- exposure and failures by day: each attempt's node-time over the days that it ran in
first = start.min()
span = end.max() - first
width = DAY * max(1, int(np.ceil(span / DAY / 400)))
slices = int(np.ceil(span / width))
node_days = np.zeros(slices)
one, two = (start - first) // width, np.minimum((end - first) // width, slices - 1)
for offset in range(int((two - one).max()) + 1):
    covers = two - one >= offset
    at = one[covers] + offset
    overlap = np.minimum(end[covers], first + (at + 1) * width) - np.maximum(start[covers], first + at * width)
    node_days += np.bincount(at, np.maximum(overlap, 0) * nodes[covers] / DAY, slices)
day_failures = np.bincount(two, failed, slices)

# --- lists of nodes, each different one expanded once
expression = re.compile(r"([^\d[]+)\[?([\d,-]+)\]?$")


def expand(text):
    prefix, numbers = expression.match(text).groups()
    names = []
    for part in numbers.split(","):
        low, _, high = part.partition("-")
        names += [f"{prefix}{n:0{len(low)}d}" for n in range(int(low), int(high or low) + 1)]
    return names


lists = log["NodeList"].cat.categories
members = pd.Series([expand(text) for text in lists], name="node").explode()
list_of = log["NodeList"].cat.codes.to_numpy()
names, node_of = np.unique(members.to_numpy(), return_inverse=True)

# --- exposure of every node, and its failures
list_days = np.bincount(list_of, elapsed / DAY, len(lists))
list_failures = np.bincount(list_of, failed, len(lists))
list_jobs = np.bincount(list_of, nodes == 1, len(lists))
owner = members.index.to_numpy()
by_node = pd.DataFrame(
    {
        "days": np.bincount(node_of, list_days[owner], len(names)),
        "involved": np.bincount(node_of, list_failures[owner], len(names)),
        "single": np.bincount(node_of, list_jobs[owner], len(names)),
    },
    index=names,
)

# --- attribution: events on a node of a failed attempt from ten minutes before its end to five after
broken = np.flatnonzero(failed | (state == "FAILED").to_numpy())
pairs = pd.DataFrame({"row": broken, "list": list_of[broken]}).merge(
    pd.DataFrame({"list": owner, "node": members.to_numpy()}), on="list"
)
pairs["from"] = np.maximum(end[pairs["row"]] - 600, start[pairs["row"]])
pairs["to"] = end[pairs["row"]] + 300
seen = pairs.merge(
    pd.DataFrame({"node": events["NodeName"], "time": seconds(events["TimeStart"])}), on="node"
)
seen = seen[(seen["time"] >= seen["from"]) & (seen["time"] <= seen["to"])]
culprits = seen[failed[seen["row"]]].groupby("node").size()
hardware = failed.copy()
hardware[seen["row"]] = True

# --- lifetimes in bins of equal logarithm, for the hazard
bins = np.floor(np.log(np.maximum(elapsed, 1)) / np.log(1.02)).astype(int)
lifetimes = np.bincount(bins, nodes)
deaths = np.bincount(bins, failed)

grouped = time.perf_counter()
figures = {
    "attempts": len(log),
    "repeats": repeats,
    "byState": by_state,
    "runs": runs,
    "acceleratorHours": float(sizes["hours"].sum()),
    "firstOrderHours": float(sizes["lost"].sum()),
    "failuresBySize": {int(key): int(value) for key, value in sizes["failures"].items()},
    "longRuns": len(long),
    "nodes": len(names),
    "nodeDays": float(by_node["days"].sum()),
    "dayNodeDays": float(node_days.sum()),
    "dayFailures": int(day_failures.sum()),
    "culprits": int(culprits.sum()),
    "lifetimes": int(lifetimes.sum()),
    "requeueWait": float(np.mean(requeue_waits)) if len(requeue_waits) else 0,
}
print(
    json.dumps(
        {
            "seconds": grouped - started,
            "processorSeconds": time.process_time(),
            "peakMebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "figures": {"engine": engine, "pandas": pd.__version__, **figures},
        }
    )
)
