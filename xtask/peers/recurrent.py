"""PyTorch's side of `cargo xtask bench recurrent`.

One JSON question a line on stdin, one JSON answer a line on stdout; between two questions the
process sleeps in `readline`, so that it never competes with the other side.
"""

import json
import os
import sys
import time

import torch

torch.set_num_threads(int(os.environ.get("LAMPWICK_THREADS", "2")))
torch.manual_seed(1)


def layer_case(ask):
    """One pass of nn.LSTM or nn.GRU: [T, B, H] in and out, every gradient where it trains."""
    steps, batch, size = ask["steps"], ask["batch"], ask["size"]
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[ask["layer"]](size, size)
    inputs = torch.randn(steps, batch, size)
    weight_of_output = torch.randn(steps, batch, size)

    if not ask["train"]:

        def infer():
            with torch.no_grad():
                layer(inputs)

        return infer

    inputs.requires_grad_(True)

    def train():
        layer.zero_grad(set_to_none=True)
        inputs.grad = None
        outputs, _ = layer(inputs)
        (outputs * weight_of_output).sum().backward()

    return train


def product_case(ask):
    """One square f32 product, the yardstick for the share of the peak."""
    a, b = torch.randn(ask["size"], ask["size"]), torch.randn(ask["size"], ask["size"])

    def product():
        with torch.no_grad():
            a @ b

    return product


def times(run, seconds):
    """Milliseconds of each run, for about `seconds`, at least two."""
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def main():
    cases = {}
    for line in sys.stdin:
        ask = json.loads(line)
        seconds = ask.pop("seconds", 0.0)
        key = json.dumps(ask, sort_keys=True)
        if key not in cases:
            cases[key] = product_case(ask) if ask["ask"] == "product" else layer_case(ask)
            cases[key]()  # warm-up
        print(json.dumps({"ms": times(cases[key], seconds)}), flush=True)


if __name__ == "__main__":
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    main()
