"""Word vectors by gensim and fastText, for `cargo xtask bench embeddings`: trains once, says the seconds.

    python3 embeddings.py train PROGRAM KIND TEXT THREADS
    python3 embeddings.py load FILE
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
    program, kind, text, threads = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
    subwords = kind.startswith("fasttext")
    cbow = kind.endswith("cbow")
    hierarchical = kind.endswith("hs")
    if program == "fasttext":
        import fasttext

        start = time.time()
        fasttext.train_unsupervised(
            text, model="cbow" if cbow else "skipgram", loss="hs" if hierarchical else "ns", dim=100, ws=5, neg=5,
            epoch=1, minCount=5, t=1e-4, thread=threads, lr=0.025, verbose=0,
            minn=3 if subwords else 0, maxn=6 if subwords else 0,
        )
        # The program reads the text twice, as a user of it does; training alone is not to be had.
        print(json.dumps({"seconds": time.time() - start}))
        return
    import gensim

    with open(text) as file:
        lines = [line.split() for line in file]
    options = dict(vector_size=100, window=5, min_count=5, workers=threads, sample=1e-4, epochs=1, alpha=0.025)
    options |= dict(hs=1, negative=0) if hierarchical else dict(negative=5)
    model = (gensim.models.FastText if subwords else gensim.models.Word2Vec)(sg=0 if cbow else 1, **options)
    model.build_vocab(lines)
    start = time.time()
    model.train(lines, total_examples=model.corpus_count, epochs=1)
    print(json.dumps({"seconds": time.time() - start}))


main()
