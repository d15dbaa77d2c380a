import type { GrpcWire } from "./grpc-wire.ts";
import { type HttpWire, jsonOf } from "./http-wire.ts";

type Secret = Readonly<Record<string, string>>;

export interface SecretsApi {
  getSecret(store: string, key: string): Promise<Secret | undefined>;
  /** Secrets by name. */
  getBulkSecret(store: string): Promise<Readonly<Record<string, Secret>> | undefined>;
}

export function secretsOverHttp(http: HttpWire): SecretsApi {
  return {
    getSecret: async (store, key) =>
      jsonOf<Secret>(await http.send("GET", `/v1.0/secrets/${store}/${key}`)),
    getBulkSecret: async (store) =>
      jsonOf<Readonly<Record<string, Secret>>>(
        await http.send("GET", `/v1.0/secrets/${store}/bulk`),
      ),
  };
}

export function secretsOverGrpc(grpc: GrpcWire): SecretsApi {
  return {
    getSecret: async (storeName, key) =>
      (await grpc.unary<{ readonly data?: Secret }>("GetSecret", { storeName, key })).data,
    getBulkSecret: async (storeName) => {
      const { data } = await grpc.unary<{
        readonly data?: Readonly<Record<string, { readonly secrets: Secret }>>;
      }>("GetBulkSecret", { storeName });
      return (
        data &&
        Object.fromEntries(Object.entries(data).map(([name, { secrets }]) => [name, secrets]))
      );
    },
  };
}
