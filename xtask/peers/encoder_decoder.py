"""PyTorch's side of `cargo xtask bench seq2seq` and of `cargo xtask experiment multi30k`.

The model is Luong et al.'s (2015) global attention with the `general` score and no input feeding:
word vectors, a bidirectional LSTM, a linear map and tanh from its last states to the decoder's
first, an LSTM over the whole target at once, h~ = tanh(W_c [c; h]), softmax. Cross entropy with label
smoothing, clipping by the global norm, Adam.

    bench    questions on stdin, answers on stdout: the protocol of recurrent.py
    train    encoder_decoder.py train ASK.json: trains on text by a run's tokenizer, translates text; needs
             the package tokenizers
"""

import json
import os
import sys
import time

import torch

torch.set_num_threads(int(os.environ.get("LAMPWICK_THREADS", "2")))
torch.manual_seed(1)

PADDING = -1


class EncoderDecoder(torch.nn.Module):
    def __init__(self, ask):
        super().__init__()
        vocabulary, embedding, hidden = ask["vocabulary"], ask["embedding"], ask["hidden"]
        half, layers = hidden // 2, ask["layers"]
        between = ask["dropout"] if layers > 1 else 0.0
        self.layers = layers
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.encoder = torch.nn.LSTM(
            embedding, half, num_layers=layers, bidirectional=True, dropout=between
        )
        self.bridge = torch.nn.ModuleList(
            [torch.nn.Linear(hidden, hidden) for _ in range(2 * layers)]
        )
        self.decoder = torch.nn.LSTM(embedding, hidden, num_layers=layers, dropout=between)
        self.score = torch.nn.Linear(hidden, hidden, bias=False)
        self.readout = torch.nn.Linear(2 * hidden, embedding)
        self.bias = torch.nn.Parameter(torch.zeros(vocabulary))
        self.dropout = torch.nn.Dropout(ask["dropout"])
        torch.nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def encode(self, source, lengths):  # [S, B] -> memory [S, B, H], its mask [B, 1, S], state
        x = self.dropout(self.embedding(source))
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        memory, states = self.encoder(packed)
        memory, _ = torch.nn.utils.rnn.pad_packed_sequence(memory, total_length=len(source))
        steps = torch.arange(len(source))
        mask = (steps[None, :] >= lengths[:, None])[:, None, :]
        first = []
        for kind, state in enumerate(states):  # hidden vectors, cells: [2 L, B, H/2]
            both = torch.cat([state[0::2], state[1::2]], dim=2)  # [L, B, H]
            maps = self.bridge[kind * self.layers : (kind + 1) * self.layers]
            first.append(torch.stack([torch.tanh(f(s)) for f, s in zip(maps, both)]))
        return memory.transpose(0, 1), mask, tuple(first)  # [B, S, H]

    def decode(self, inputs, memory, keys, mask, state):  # [T, B] -> [T, B, E]
        h, state = self.decoder(self.dropout(self.embedding(inputs)), state)
        h = h.transpose(0, 1)  # [B, T, H]
        scores = (h @ keys.transpose(1, 2)).masked_fill(mask, float("-inf"))
        context = torch.softmax(scores, dim=2) @ memory  # [B, T, H]
        out = torch.tanh(self.readout(torch.cat([context, h], dim=2)))
        return self.dropout(out).transpose(0, 1), state

    def logits(self, out):
        return torch.nn.functional.linear(out, self.embedding.weight, self.bias)

    def forward(self, source, lengths, inputs):
        memory, mask, state = self.encode(source, lengths)
        out, _ = self.decode(inputs, memory, self.score(memory), mask, state)
        return self.logits(out)


def train_step(model, optimizer, batch, ask):
    source, lengths, inputs, targets = batch
    optimizer.zero_grad(set_to_none=True)
    logits = model(source, lengths, inputs)
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]),
        targets.reshape(-1),
        ignore_index=PADDING,
        label_smoothing=ask["label_smoothing"],
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), ask["clip_norm"])
    optimizer.step()
    return loss.item()


def greedy(model, source, lengths, end, longest):
    """Ids of each column of `source`, without the end."""
    with torch.no_grad():
        memory, mask, state = model.encode(source, lengths)
        keys = model.score(memory)
        token = torch.full((1, source.shape[1]), end)
        ended = torch.zeros(source.shape[1], dtype=torch.bool)
        written = []
        for _ in range(longest):
            out, state = model.decode(token, memory, keys, mask, state)
            token = model.logits(out[0]).argmax(dim=1)[None, :]
            ended |= token[0] == end
            if ended.all():
                break
            written.append(token[0])
    columns = torch.stack(written).T.tolist() if written else [[]] * source.shape[1]
    return [ids[: ids.index(end)] if end in ids else ids for ids in columns]


def padded(pairs, end):
    """[S, B] sources, their lengths, [T, B] inputs and targets of (source, target) id lists."""
    lengths = torch.tensor([len(source) for source, _ in pairs])
    steps = max(len(target) for _, target in pairs) + 1
    source = torch.zeros(int(lengths.max()), len(pairs), dtype=torch.long)
    inputs = torch.zeros(steps, len(pairs), dtype=torch.long)
    targets = torch.full((steps, len(pairs)), PADDING)
    for column, (read, write) in enumerate(pairs):
        source[: len(read), column] = torch.tensor(read)
        inputs[: len(write) + 1, column] = torch.tensor([end] + write)
        targets[: len(write) + 1, column] = torch.tensor(write + [end])
    return source, lengths, inputs, targets


def batches(steps, tokens, generator):
    """Indices of pairs, cut as Lampwick cuts them: shuffled, pools sorted by length, at most so many
    positions in a batch, padding included; then the batches shuffled."""
    order = torch.randperm(len(steps), generator=generator).tolist()
    pool = max(1, tokens // max(1, -(-sum(steps) // len(steps)))) * 100
    cut = []
    for start in range(0, len(order), pool):
        batch = []
        for index in sorted(order[start : start + pool], key=steps.__getitem__):
            # Sorted: this pair is the longest so far.
            if batch and (len(batch) + 1) * steps[index] > tokens:
                cut.append(batch)
                batch = []
            batch.append(index)
        cut.append(batch)
    return [cut[index] for index in torch.randperm(len(cut), generator=generator).tolist()]


def train(ask):
    """Trains as the config of `multi30k` says, before its schedule has halved anything, and after each
    epoch writes `epoch-N.txt` into `out`: what the validation sources become, greedily; after the last
    `test.txt`, of the test sources. Goes on from `state.pt`."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(ask["tokenizer"])
    read = lambda path: [tokenizer.encode(line.rstrip("\n")).ids for line in open(path, encoding="utf-8")]
    pairs = list(zip(*map(read, ask["train"])))
    pairs = [(s, t) for s, t in pairs if s and t and max(len(s), len(t)) <= ask["longest"]]
    valid, test = read(ask["valid"]), read(ask["test"])

    def translate(sources, name):
        written = [""] * len(sources)
        order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
        for start in range(0, len(order), 64):
            group = order[start : start + 64]
            source, lengths, *_ = padded([(sources[index], []) for index in group], ask["end"])
            longest = int(ask["longest_per_source"] * int(lengths.max())) + 10
            for index, ids in zip(group, greedy(model, source, lengths, ask["end"], longest)):
                written[index] = tokenizer.decode(ids)
        path = os.path.join(ask["out"], name)
        with open(path + ".unfinished", "w", encoding="utf-8") as out:
            out.writelines(line.replace("\n", " ") + "\n" for line in written)
        os.replace(path + ".unfinished", path)

    steps = [max(len(source), len(target) + 1) for source, target in pairs]
    model = EncoderDecoder(ask)
    with torch.no_grad():  # the forget gate's bias: 1 in the sum of the two
        for name, bias in model.named_parameters():
            if ".bias_ih_l" in name or ".bias_hh_l" in name:
                quarter = len(bias) // 4
                bias[quarter : 2 * quarter] = 1.0 if ".bias_ih_l" in name else 0.0
    optimizer = torch.optim.Adam(model.parameters(), lr=ask["lr"], betas=(0.9, ask["beta2"]), eps=1e-8)
    state, epochs = os.path.join(ask["out"], "state.pt"), 0
    if os.path.exists(state):
        saved = torch.load(state)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        epochs = saved["epochs"]
    for epoch in range(epochs + 1, ask["epochs"] + 1):
        model.train()
        generator = torch.Generator().manual_seed(epoch)
        torch.manual_seed(epoch)
        dealt = batches(steps, ask["tokens"], generator)
        start, tokens = time.perf_counter(), 0
        for step, indices in enumerate(dealt, 1):
            batch = padded([pairs[index] for index in indices], ask["end"])
            loss = train_step(model, optimizer, batch, ask)
            tokens += int((batch[3] != PADDING).sum())
            if step % 20 == 0 or step == len(dealt):
                rate = tokens / (time.perf_counter() - start)
                told = f"PyTorch: epoch {epoch}/{ask['epochs']}  step {step}/{len(dealt)}  loss {loss:.3f}"
                print(f"{told}  {rate:.0f} tokens/s", file=sys.stderr, flush=True)
        model.eval()
        translate(valid, f"epoch-{epoch}.txt")
        if epoch == ask["epochs"]:
            translate(test, "test.txt")
        saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epoch}
        torch.save(saved, state + ".unfinished")
        os.replace(state + ".unfinished", state)


def bench():
    cases = {}
    for line in sys.stdin:
        ask = json.loads(line)
        seconds = ask.pop("seconds", 0.0)
        key = json.dumps(ask, sort_keys=True)
        if key not in cases:
            model = EncoderDecoder(ask).train()
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            source = torch.randint(1, ask["vocabulary"], (ask["source"], ask["batch"]))
            target = torch.randint(1, ask["vocabulary"], (ask["target"], ask["batch"]))
            lengths = torch.full((ask["batch"],), ask["source"])
            batch = (source, lengths, target, target)
            cases[key] = (model, optimizer, batch)
            train_step(model, optimizer, batch, ask)  # warm-up
        model, optimizer, batch = cases[key]
        start, tokens, runs = time.perf_counter(), 0, 0
        while runs < 2 or time.perf_counter() - start < seconds:
            train_step(model, optimizer, batch, ask)
            tokens += ask["batch"] * ask["target"]
            runs += 1
        print(json.dumps({"per_second": tokens / (time.perf_counter() - start)}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "train":
        with open(sys.argv[2]) as file:
            train(json.load(file))
    else:
        print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
        bench()
