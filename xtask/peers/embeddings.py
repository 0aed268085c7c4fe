"""Word vectors by gensim and fastText: trains once, says the seconds.

    python3 embeddings.py train PROGRAM KIND TEXT THREADS       for `cargo xtask bench embeddings`
    python3 embeddings.py load FILE
    python3 embeddings.py vectors PROGRAM KIND TEXT SEED OUT    for `cargo xtask experiment embeddings`
"""

import json
import sys
import time


def main():
    if sys.argv[1] == "load":
        from gensim.models import KeyedVectors

        start = time.time()
        vectors = KeyedVectors.load_word2vec_format(sys.argv[2], binary=True)
        print(json.dumps({"seconds": time.time() - start, "words": len(vectors)}))
        return
    program, kind, text = sys.argv[2:5]
    if sys.argv[1] == "vectors":
        threads, epochs, seed, out = 1, 5, int(sys.argv[5]), sys.argv[6]
    else:
        threads, epochs, seed, out = int(sys.argv[5]), 1, 1, None
    train = with_fasttext if program == "fasttext" else with_gensim
    seconds, words = train(kind, text, threads, epochs, seed, out)
    print(json.dumps({"seconds": seconds, "words_per_second": epochs * words / seconds}))


def with_fasttext(kind, text, threads, epochs, seed, out):
    import fasttext

    subwords = kind.startswith("fasttext")
    options = dict(
        model="cbow" if kind.endswith("cbow") else "skipgram", loss="hs" if kind.endswith("hs") else "ns",
        dim=100, ws=5, neg=5, epoch=epochs, minCount=5, t=1e-4, thread=threads, lr=0.025, verbose=0,
        minn=3 if subwords else 0, maxn=6 if subwords else 0,
    )
    start = time.time()
    try:
        model = fasttext.train_unsupervised(text, seed=seed, **options)
    except TypeError:
        # Released versions know no seed: their trainings are all of one.
        model = fasttext.train_unsupervised(text, **options)
    # The program reads the text twice, as a user of it does; training alone is not to be had.
    seconds = time.time() - start
    words, counts = model.get_words(include_freq=True)
    if out:
        import numpy as np

        with open(out, "wb") as file:
            file.write(f"{len(words)} 100\n".encode())
            for word in words:
                file.write(word.encode() + b" " + model.get_word_vector(word).astype(np.float32).tobytes() + b"\n")
    return seconds, int(sum(counts))


def with_gensim(kind, text, threads, epochs, seed, out):
    import gensim

    with open(text) as file:
        lines = [line.split() for line in file]
    options = dict(vector_size=100, window=5, min_count=5, workers=threads, sample=1e-4, epochs=epochs, alpha=0.025)
    options |= dict(hs=1, negative=0) if kind.endswith("hs") else dict(negative=5)
    kind_of_model = gensim.models.FastText if kind.startswith("fasttext") else gensim.models.Word2Vec
    model = kind_of_model(sg=0 if kind.endswith("cbow") else 1, seed=seed, **options)
    model.build_vocab(lines)
    start = time.time()
    model.train(lines, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.time() - start
    if out:
        model.wv.save_word2vec_format(out, binary=True)
    return seconds, sum(len(line) for line in lines)


main()
