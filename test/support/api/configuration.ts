import { eventually } from "../eventually.ts";
import type { SeenRequest } from "../recording-app.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import { type HttpWire, jsonOf } from "./http-wire.ts";

/** Items by key; what is empty is left out. */
export type Items = Readonly<
  Record<string, { readonly value?: string; readonly version?: string }>
>;
interface Update {
  readonly id: string;
  readonly items?: Items;
}
export interface ConfigurationSubscription {
  readonly id: string;
  /** What has been reported so far: over HTTP to the app, over gRPC on the stream. */
  updates(): Promise<readonly Items[]>;
}
export interface ConfigurationApi {
  /** All items where no keys are named. */
  getConfiguration(store: string, keys: readonly string[]): Promise<Items>;
  subscribeConfiguration(
    store: string,
    keys: readonly string[],
  ): Promise<ConfigurationSubscription>;
  /** False where the app has no such subscription. */
  unsubscribeConfiguration(store: string, id: string): Promise<boolean>;
}

export function configurationOverHttp(
  http: HttpWire,
  appSaw: (path: string) => Promise<readonly SeenRequest[]>,
): ConfigurationApi {
  const path = (store: string, rest: string, keys: readonly string[] = []): string =>
    `/v1.0/configuration/${store}${rest}?${keys.map((key) => `key=${encodeURIComponent(key)}`).join("&")}`;
  return {
    getConfiguration: async (store, keys) =>
      (await jsonOf<Items>(await http.send("GET", path(store, "", keys)))) ?? {},
    subscribeConfiguration: async (store, keys) => {
      const answer = await http.send("GET", path(store, "/subscribe", keys));
      const { id } = (await answer.json()) as Update;
      return {
        id,
        updates: async () => {
          const seen = await Promise.all(
            keys.map((key) => appSaw(`/configuration/${store}/${key}`)),
          );
          return seen
            .flat()
            .map(({ body }) => JSON.parse(body) as Required<Update>)
            .flatMap((update) => (update.id === id ? [update.items] : []));
        },
      };
    },
    unsubscribeConfiguration: async (store, id) => {
      const answer = await http.send("GET", path(store, `/${id}/unsubscribe`));
      return ((await answer.json()) as { readonly ok: boolean }).ok;
    },
  };
}

export function configurationOverGrpc(grpc: GrpcWire): ConfigurationApi {
  return {
    getConfiguration: async (storeName, keys) => {
      const { items } = await grpc.unary<Partial<Update>>("GetConfiguration", {
        storeName,
        keys: [...keys],
      });
      return items ?? {};
    },
    subscribeConfiguration: async (storeName, keys) => {
      const request = { storeName, keys: [...keys] };
      const { messages, ended } = grpc.stream<Update>("SubscribeConfiguration", [request]);
      const first = await Promise.race([
        eventually(() => messages[0], { what: "the subscription's id" }),
        ended,
      ]);
      return {
        id: first?.id ?? "",
        updates: async () => messages.slice(1).map(({ items }) => items ?? {}),
      };
    },
    unsubscribeConfiguration: async (storeName, id) => {
      const { ok } = await grpc.unary<{ readonly ok?: boolean }>("UnsubscribeConfiguration", {
        storeName,
        id,
      });
      return ok ?? false;
    },
  };
}
