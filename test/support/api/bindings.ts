import { fromBase64, toBase64 } from "#core/util/base64.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

export interface BindingRequest {
  /** As JSON. */
  readonly data?: unknown;
  readonly metadata?: Readonly<Record<string, string>>;
}
export interface BindingAnswer {
  readonly data: string;
  /** What the component says of the answer, by a name of it; letter case does not count. */
  metadata(name: string): string | undefined;
}
export interface BindingsApi {
  invokeBinding(name: string, operation: string, request?: BindingRequest): Promise<BindingAnswer>;
}

export function bindingsOverHttp(http: HttpWire): BindingsApi {
  return {
    invokeBinding: async (name, operation, request = {}) => {
      const answer = await http.post(`/v1.0/bindings/${name}`, { operation, ...request });
      return {
        data: await answer.text(),
        metadata: (field) => answer.headers.get(`metadata.${field}`) ?? undefined,
      };
    },
  };
}

export function bindingsOverGrpc(grpc: GrpcWire): BindingsApi {
  return {
    invokeBinding: async (name, operation, { data, metadata = {} } = {}) => {
      const answer = await grpc.unary<{
        readonly data?: string;
        readonly metadata?: Readonly<Record<string, string>>;
      }>("InvokeBinding", {
        name,
        operation,
        data: data === undefined ? "" : toBase64(JSON.stringify(data)),
        metadata: { ...metadata },
      });
      const fields = new Map(
        Object.entries(answer.metadata ?? {}).map(([field, value]) => [field.toLowerCase(), value]),
      );
      return {
        data: new TextDecoder().decode(fromBase64(answer.data ?? "")),
        metadata: (field) => fields.get(field.toLowerCase()),
      };
    },
  };
}
