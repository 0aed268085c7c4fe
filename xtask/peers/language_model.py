"""PyTorch's side of `cargo xtask bench lm`: the same protocol as recurrent.py.

Training is the loop of Zaremba et al. (2014): embedding, two LSTM layers with dropout on the
non-recurrent edges, softmax over 10,000 words, cross entropy, backward, clipping by the global
norm, SGD; the state is carried from window to window. Generation samples word by word from the
small model, its state on the device.
"""

import json
import os
import sys
import time

import torch

torch.set_num_threads(int(os.environ.get("LAMPWICK_THREADS", "2")))
torch.manual_seed(1)

VOCABULARY = 10_000


class LanguageModel(torch.nn.Module):
    def __init__(self, size, dropout):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, size)
        self.layers = torch.nn.LSTM(size, size, num_layers=2, dropout=dropout)
        self.dropout = torch.nn.Dropout(dropout)
        self.output = torch.nn.Linear(size, VOCABULARY)
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -0.1, 0.1)

    def forward(self, tokens, state):  # [T, B] -> [T, B, V]
        hidden, state = self.layers(self.dropout(self.embedding(tokens)), state)
        return self.output(self.dropout(hidden)), state


def train_case(ask):
    size, batch, steps = ask["size"], ask["batch"], ask["steps"]
    model = LanguageModel(size, ask["dropout"]).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    windows = torch.randint(VOCABULARY, (50 * steps + 1, batch))
    state, window = None, 0

    def one_step():
        nonlocal state, window
        start = (window % 50) * steps
        window += 1
        inputs = windows[start : start + steps]
        targets = windows[start + 1 : start + steps + 1]
        if state is not None:
            state = tuple(part.detach() for part in state)
        optimizer.zero_grad(set_to_none=True)
        logits, state = model(inputs, state)
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, VOCABULARY), targets.reshape(-1)
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        loss.item()
        return batch * steps

    return one_step


def generate_case(ask):
    streams = ask["streams"]
    model = LanguageModel(ask["size"], 0.0).eval()

    def one_run():
        token, state = torch.zeros(1, streams, dtype=torch.long), None
        with torch.no_grad():
            for _ in range(ask["length"]):
                logits, state = model(token, state)
                probabilities = torch.softmax(logits[0] / ask["temperature"], dim=-1)
                token = torch.multinomial(probabilities, 1).reshape(1, streams)
                token.tolist()  # a text needs its words on the host, one by one
        return streams * ask["length"]

    return one_run


def main():
    cases = {}
    for line in sys.stdin:
        ask = json.loads(line)
        seconds = ask.pop("seconds", 0.0)
        key = json.dumps(ask, sort_keys=True)
        if key not in cases:
            cases[key] = train_case(ask) if ask["ask"] == "train" else generate_case(ask)
            cases[key]()  # warm-up
        start, tokens, runs = time.perf_counter(), 0, 0
        while runs < 2 or time.perf_counter() - start < seconds:
            tokens += cases[key]()
            runs += 1
        rate = tokens / (time.perf_counter() - start)
        print(json.dumps({"tokens_per_second": rate}), flush=True)


if __name__ == "__main__":
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    main()
