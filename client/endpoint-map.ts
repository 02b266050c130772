import type { JsonObject } from '../core/index.ts';

/** What is known of one endpoint's calls. */
export interface EndpointTypes {
  readonly parameters?: object;
}

/** The map of a client that was told nothing: every endpoint, any parameters. */
export type AnyEndpoint = Record<string, { readonly parameters: JsonObject }>;

/** Names of the endpoints of a map. */
export type EndpointName<Endpoints> = keyof Endpoints & string;

/** Parameters of one endpoint of a map. */
export type ParametersOf<Endpoints, Name extends keyof Endpoints> = Endpoints[Name] extends {
  readonly parameters: infer Parameters extends object;
}
  ? Parameters
  : JsonObject;

/** Arguments of a call after the endpoint's name; options must be there when a parameter must. */
export type CallArguments<Input, Options, Parameters extends object> =
  Record<string, never> extends Parameters
    ? undefined extends Input
      ? [inputs?: Input, options?: Options]
      : [inputs: Input, options?: Options]
    : [inputs: Input, options: Options & { parameters: Parameters }];
