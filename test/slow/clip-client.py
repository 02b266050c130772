"""Calls a flow of encoder and index with the Python client of CLIP-as-service; prints one line for each check."""

import os
import sys

os.environ['NO_VERSION_CHECK'] = '1'
os.environ['JINA_OPTOUT_TELEMETRY'] = '1'

import numpy as np
from clip_client import Client
from docarray import Document, DocumentArray

address, pictures = sys.argv[1:3]
client = Client(address)


def picture(name):
    return os.path.join(pictures, f'{name}.png')


def encodes_texts_and_pictures():
    vectors = client.encode(['a black cat', picture('black-cat'), picture('red-apple')])
    assert vectors.shape == (3, 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def encodes_documents():
    docs = client.encode(DocumentArray([Document(text='a black cat'), Document(uri=picture('rocket'))]))
    assert docs.embeddings.shape == (2, 256)


def encodes_many_in_order():
    vectors = client.encode([f'cat number {index}' for index in range(100)], batch_size=8)
    assert np.allclose(vectors[42], client.encode(['cat number 42'])[0], atol=1e-5)


def ranks():
    query = Document(uri=picture('black-cat'), matches=[Document(text='a red apple'), Document(text='a black cat')])
    [ranked] = client.rank([query])
    assert [match.text for match in ranked.matches] == ['a black cat', 'a red apple']
    scores = [match.scores['clip_score'].value for match in ranked.matches]
    assert abs(sum(scores) - 1) < 1e-4
    assert ranked.matches[0].scores['clip_score_cosine'].value > ranked.matches[1].scores['clip_score_cosine'].value


def indexes_and_searches():
    names = ['black-cat', 'red-apple', 'rocket']
    client.index(DocumentArray(Document(id=name, uri=picture(name)) for name in names))
    [found] = client.search(['a black cat'], limit=2)
    assert [match.id for match in found.matches][0] == 'black-cat'
    assert len(found.matches) == 2


def profiles():
    assert client.profile()['CLIP model'] >= 0


for check in [encodes_texts_and_pictures, encodes_documents, encodes_many_in_order, ranks, indexes_and_searches, profiles]:
    check()
    print('passed', check.__name__, flush=True)
