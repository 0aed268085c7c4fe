"""JoeyNMT's side of `cargo xtask bench seq2seq`: its beam search, over its own model of random weights.

One JSON question a line on stdin, one JSON answer a line on stdout. Every target of a batch has the
same number of tokens, which both sides are told: the end is kept away by `min_output_length`.
"""

import json
import os
import sys
import time
from types import SimpleNamespace

import joeynmt
import torch
from joeynmt.model import build_model
from joeynmt.search import beam_search
from joeynmt.vocabulary import Vocabulary

torch.set_num_threads(int(os.environ.get("LAMPWICK_THREADS", "2")))
torch.manual_seed(1)


def vocabulary(size):
    special = SimpleNamespace(
        unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", sep_token=None,
        unk_id=0, pad_id=1, bos_id=2, eos_id=3, sep_id=None, lang_tags=[],
    )  # fmt: skip
    words = Vocabulary([], special)
    # `add_tokens` looks each word up in a list.
    words._itos += [f"w{n}" for n in range(4, size)]
    words._stoi = {word: n for n, word in enumerate(words._itos)}
    return words


def model_of(ask):
    words = vocabulary(ask["vocabulary"])
    embeddings = {"embedding_dim": ask["embedding"]}
    if ask["readout"] != ask["hidden"]:
        raise ValueError("its output layer reads as many features as the decoder has units")
    config = {
        "encoder": {
            "type": "recurrent", "rnn_type": "lstm", "embeddings": embeddings,
            "hidden_size": ask["hidden"] // 2, "bidirectional": True, "num_layers": 1,
        },
        "decoder": {
            "type": "recurrent", "rnn_type": "lstm", "embeddings": embeddings,
            "hidden_size": ask["hidden"], "num_layers": 1, "attention": "luong",
            "init_hidden": "bridge", "input_feeding": False,
        },
    }  # fmt: skip
    return build_model(config, src_vocab=words, trg_vocab=words).eval()


def translate(model, batch, ask):
    lengths = torch.tensor([len(source) for source in batch["sources"]])
    source = torch.full((len(lengths), int(lengths.max())), model.pad_index)
    for row, ids in enumerate(batch["sources"]):
        source[row, : len(ids)] = torch.tensor(ids)
    mask = (source != model.pad_index).unsqueeze(1)
    with torch.no_grad():
        memory, state, _, _ = model(
            return_type="encode", src=source, src_length=lengths, src_mask=mask
        )
    steps = batch["tokens"] + 1  # as many calls of the model as for the tokens and the end
    found, _, _ = beam_search(
        model, ask["beam"], memory, state, mask, steps, ask["length_penalty"],
        n_best=1, min_output_length=steps,
    )  # fmt: skip
    assert found.shape == (len(lengths), steps), found.shape
    return len(lengths)


def main():
    models = {}
    for line in sys.stdin:
        ask = json.loads(line)
        key = json.dumps({name: ask[name] for name in ("vocabulary", "embedding", "hidden")})
        if key not in models:
            models[key] = model_of(ask)
            translate(models[key], ask["batches"][0], ask)  # warm-up
        start = time.perf_counter()
        done = sum(translate(models[key], batch, ask) for batch in ask["batches"])
        print(json.dumps({"per_second": done / (time.perf_counter() - start)}), flush=True)


if __name__ == "__main__":
    name = f"JoeyNMT {joeynmt.__version__} (PyTorch {torch.__version__})"
    print(json.dumps({"name": name}), flush=True)
    main()
