export { Document, DocumentArray, type DocumentFields, type DocumentInput, FlowError, Tensor } from '../core/index.ts';
export { Client, type PostArguments, type StreamArguments } from './client.ts';
export type { ResponseCallbacks } from './callbacks.ts';
export type { AnyEndpoint, CallArguments, EndpointName, EndpointTypes, ParametersOf } from './endpoint-map.ts';
export type { Inputs, WebStream } from './inputs.ts';
export type { CallOptions, ClientOptions, Compression, PostOptions, RequestOptions } from './options.ts';
export { PostResult } from './post-result.ts';
export { Profile, type ProfilePart } from './profile.ts';
export type { ClientResponse, ClientRoute } from './response.ts';
