"""Calls a running gateway with the Python clients of Jina and CLIP-as-service; prints one line for each check."""

import os
import sys

os.environ['NO_VERSION_CHECK'] = '1'
os.environ['JINA_OPTOUT_TELEMETRY'] = '1'

import numpy as np
from clip_client import Client as ClipClient
from docarray import Document, DocumentArray
from jina import Client
from jina.excepts import BadServer

address = sys.argv[1]
protocol = address.split(':')[0]
client = Client(host=address)


def documents(count):
    vectors = [np.arange(4, dtype='float32') + index for index in range(count)]
    return DocumentArray(
        Document(id=str(index), text=f'text {index}', embedding=vector, matches=[Document(text='match')])
        for index, vector in enumerate(vectors)
    )


def is_ready():
    assert client.is_flow_ready()


def posts_in_order():
    answers = client.post('/encode', documents(25), request_size=4, results_in_order=True)
    assert [doc.id for doc in answers] == [str(index) for index in range(25)]
    assert answers[3].embedding.tolist() == [3, 4, 5, 6]
    assert answers[3].matches[0].text == 'match'


def posts_once_compressed():
    sent = Document(tensor=np.arange(6).reshape(3, 2), tags={'a': {'b': [1, None, 'x']}})
    options = {'stream': False, 'compression': 'Gzip'} if protocol == 'grpc' else {}
    [answer] = client.post('/', DocumentArray([sent]), **options)
    assert np.array_equal(np.asarray(answer.tensor), np.arange(6).reshape(3, 2))
    assert answer.tags == {'a': {'b': [1, None, 'x']}}


def posts_bytes_of_40_mib():
    [answer] = client.post('/', DocumentArray([Document(blob=b'x' * (40 << 20))]))
    assert len(answer.blob) == 40 << 20


def raises_for_a_target_that_is_not_there():
    try:
        client.post('/encode', DocumentArray([Document(text='a')]), target_executor='nobody')
    except BadServer as error:
        assert 'unknown_target' in str(error)
        return
    raise AssertionError('no error')


def profiles_twenty_times():
    for _ in range(20):
        client.profiling(show_table=False)


def profiles_as_clip():
    assert ClipClient(address).profile()['CLIP model'] >= 0


checks = {
    'grpc': [
        is_ready,
        posts_in_order,
        posts_once_compressed,
        posts_bytes_of_40_mib,
        raises_for_a_target_that_is_not_there,
        profiles_twenty_times,
        profiles_as_clip,
    ],
    'http': [is_ready, posts_in_order, posts_once_compressed],
    'websocket': [
        is_ready,
        posts_in_order,
        posts_once_compressed,
        raises_for_a_target_that_is_not_there,
        profiles_twenty_times,
        profiles_as_clip,
    ],
}
for check in checks[protocol]:
    check()
    print('passed', check.__name__, flush=True)
