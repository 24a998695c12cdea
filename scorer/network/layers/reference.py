"""Layers as PyTorch's documentation defines them, in numpy and double precision.

Reads {"case": {"argument": {"shape": [...], "data": [...]}}} as JSON from standard input and writes
{"case": {"result": [...]}}. A case's name is that of a function, up to the first space.
https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html, LSTM, Conv1d, MaxPool1d, CrossEntropyLoss, Embedding
"""

import json
import sys

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def blocks(matrix, order):
    """The blocks of rows in another order: ONNX's weights in PyTorch's."""
    return np.concatenate([np.split(matrix, len(order), axis=0)[i] for i in order], axis=0)


def gru(x, weight_ih, weight_hh, bias, initial=None):
    units = weight_hh.shape[1]
    w, r, b, c = (blocks(m, [1, 0, 2]) for m in (weight_ih, weight_hh, bias[0], bias[1]))
    h = np.zeros((x.shape[0], units)) if initial is None else initial
    states = []
    for t in range(x.shape[1]):
        of_x = np.split(x[:, t] @ w.T + b, 3, axis=1)
        of_h = np.split(h @ r.T + c, 3, axis=1)
        reset = sigmoid(of_x[0] + of_h[0])
        update = sigmoid(of_x[1] + of_h[1])
        new = np.tanh(of_x[2] + reset * of_h[2])
        h = (1 - update) * new + update * h
        states.append(h)
    return {"hidden": np.stack(states, axis=1), "last": h}


def lstm(x, weight_ih, weight_hh, bias, hidden=None, cell=None):
    units = weight_hh.shape[1]
    w, r, b, c = (blocks(m, [0, 2, 3, 1]) for m in (weight_ih, weight_hh, bias[0], bias[1]))
    zeros = np.zeros((x.shape[0], units))
    h, memory = (zeros if hidden is None else hidden), (zeros if cell is None else cell)
    states = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w.T + b + h @ r.T + c, 4, axis=1)
        memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(memory)
        states.append(h)
    return {"hidden": np.stack(states, axis=1), "last": h, "cell": memory}


def conv1d(x, weight, bias):
    kernel = weight.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (kernel // 2, kernel // 2)))
    y = np.zeros((x.shape[0], weight.shape[0], x.shape[2]))
    for position in range(x.shape[2]):
        y[:, :, position] = np.einsum("bik,oik->bo", padded[:, :, position : position + kernel], weight) + bias
    return {"y": y}


def max_pool(x, size, stride):
    size, stride = int(size[0]), int(stride[0])
    starts = range(0, x.shape[2] - size + 1, stride)
    return {"y": np.stack([x[:, :, start : start + size].max(axis=2) for start in starts], axis=2)}


def log_shares(x):
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(x):
    return {"y": np.exp(log_shares(x)), "log": log_shares(x)}


def cross_entropy(logits, labels):
    return {"y": -log_shares(logits)[np.arange(len(labels)), labels.astype(int)]}


def embedding(indices, table):
    return {"y": table[indices.astype(int)]}


def variational(mean, log_variance, noise):
    deviation = np.exp(log_variance / 2)
    divergence = 0.5 * (mean**2 + deviation**2 - 1 - log_variance).sum(axis=1)
    return {"sample": mean + deviation * noise, "divergence": divergence}


def arrays(arguments):
    return {name: np.reshape(np.array(a["data"], dtype=float), a["shape"]) for name, a in arguments.items()}


def main():
    cases = json.load(sys.stdin)
    results = {name: globals()[name.split(" ")[0]](**arrays(arguments)) for name, arguments in cases.items()}
    flat = {name: {key: y.ravel().tolist() for key, y in result.items()} for name, result in results.items()}
    json.dump(flat, sys.stdout)


main()
