"""LitServe serving an API that changes nothing: POST /predict, one process for the server and one for the worker."""
import sys

import litserve


class Echo(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request['data']

    def predict(self, data):
        return data

    def encode_response(self, output):
        return {'data': output}


if __name__ == '__main__':
    server = litserve.LitServer(Echo(), accelerator='cpu', workers_per_device=1)
    server.run(host='127.0.0.1', port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level='warning')
