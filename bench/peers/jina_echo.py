"""Jina serving an executor that changes nothing: POST /post, one process for the gateway and one for the executor."""
import sys

from jina import Executor, Flow, requests


class Echo(Executor):
    @requests
    def echo(self, docs, **kwargs):
        return docs


if __name__ == '__main__':
    with Flow(protocol='http', host='127.0.0.1', port=int(sys.argv[1])).add(uses=Echo, name='echo') as flow:
        flow.block()
