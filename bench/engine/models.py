"""The networks of models.ts in plain PyTorch, as one would write them there."""

import math

import torch
import torch.nn.functional as F

STATE, CHUNK, TAPS = 32, 64, 4


def norm(p, name, x):
    if f"{name}.bias" in p:
        return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"])
    return rms_norm(x, p[f"{name}.weight"])


def rms_norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


def attend(q, k, v, causal):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal is not None)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal is not None:
        scores = scores + causal
    return torch.softmax(scores, -1) @ v


def heads_of(x, heads):
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def transformer_layer(p, i, x, heads, causal, cache=None):
    width = x.shape[-1]
    q, k, v = (heads_of(t, heads) for t in (norm(p, f"{i}.norm1", x) @ p[f"{i}.qkv"]).split(width, -1))
    if cache is not None:
        k, v = cache.append(i, k, v)
    x = x + attend(q, k, v, causal).transpose(1, 2).reshape(x.shape) @ p[f"{i}.out"]
    return x + F.silu(norm(p, f"{i}.norm2", x) @ p[f"{i}.up"]) @ p[f"{i}.down"]


def mamba_layer(p, i, x, heads):
    batch, length, width = x.shape
    inner, chunks = 2 * width, length // CHUNK
    z, xbc, dt = (norm(p, f"{i}.norm", x) @ p[f"{i}.in"]).split([inner, inner + 2 * STATE, heads], -1)
    weight = p[f"{i}.conv"].t().unsqueeze(1)
    xbc = F.conv1d(xbc.transpose(1, 2), weight, p[f"{i}.convBias"], padding=TAPS - 1, groups=weight.shape[0])
    u, b, c = F.silu(xbc[..., :length].transpose(1, 2)).split([inner, STATE, STATE], -1)
    dt = F.softplus(dt + p[f"{i}.dtBias"])
    a = dt * -torch.exp(p[f"{i}.aLog"])
    u = u.view(batch, length, heads, -1)
    values = (u * dt.unsqueeze(-1)).view(batch, chunks, CHUNK, heads, -1)
    b, c = b.view(batch, chunks, CHUNK, STATE), c.view(batch, chunks, CHUNK, STATE)
    total = a.view(batch, chunks, CHUNK, heads).permute(0, 1, 3, 2).cumsum(-1)
    upper = torch.ones(CHUNK, CHUNK, dtype=torch.bool).triu(1)
    decay = torch.exp((total.unsqueeze(-1) - total.unsqueeze(-2)).masked_fill(upper, -1e30))
    weights = decay * (c @ b.transpose(-1, -2)).unsqueeze(2)
    within = (weights @ values.transpose(2, 3)).transpose(2, 3)
    by_time = lambda t: t.permute(0, 1, 3, 2).unsqueeze(-1)
    to_end = values * by_time(torch.exp(total[..., -1:] - total))
    written = to_end.flatten(3).transpose(-1, -2) @ b
    state, starts = torch.zeros(batch, heads, inner // heads, STATE), []
    for chunk in range(chunks):
        starts.append(state)
        kept = torch.exp(total[:, chunk, :, -1]).view(batch, heads, 1, 1)
        state = state * kept + written[:, chunk].view(state.shape)
    start = torch.stack(starts, 1).view(batch, chunks, inner, STATE)
    carried = (c @ start.transpose(-1, -2)).view(within.shape)
    y = (within + carried * by_time(torch.exp(total))).reshape(u.shape) + u * p[f"{i}.d"].unsqueeze(-1)
    return x + rms_norm(y.reshape(batch, length, inner) * F.silu(z), p[f"{i}.gateNorm"]) @ p[f"{i}.out"]


def network(p, tokens, sizes):
    x = F.embedding(tokens, p["embedding"])
    if sizes["kind"] == "transformer":
        x = x + p["positions"]
        causal = torch.full((sizes["length"],) * 2, -1e30).triu(1)
    for i in range(sizes["layers"]):
        x = transformer_layer(p, i, x, sizes["heads"], causal) if sizes["kind"] == "transformer" else mamba_layer(p, i, x, sizes["heads"])
    return norm(p, "norm", x) @ p["head"]


class Cache:
    """Keys and values of all earlier positions, in buffers made once."""

    def __init__(self, sizes):
        size = sizes["width"] // sizes["heads"]
        make = lambda: torch.zeros(1, sizes["heads"], sizes["length"], size)
        self.keys = [make() for _ in range(sizes["layers"])]
        self.values = [make() for _ in range(sizes["layers"])]
        self.at = 0

    def append(self, i, k, v):
        self.keys[i][:, :, self.at : self.at + 1] = k
        self.values[i][:, :, self.at : self.at + 1] = v
        return self.keys[i][:, :, : self.at + 1], self.values[i][:, :, : self.at + 1]


@torch.no_grad()
def decode(p, sizes, first, count):
    cache, token, tokens = Cache(sizes), first, []
    for at in range(count):
        cache.at = at
        x = p["embedding"][token].view(1, 1, -1) + p["positions"][at]
        for i in range(sizes["layers"]):
            x = transformer_layer(p, i, x, sizes["heads"], None, cache)
        token = int((norm(p, "norm", x) @ p["head"]).argmax())
        tokens.append(token)
    return tokens
