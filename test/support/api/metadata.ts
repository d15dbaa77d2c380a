import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

export interface MetadataView {
  readonly id: string;
  readonly components: ReadonlyArray<{
    readonly name: string;
    readonly type: string;
    readonly capabilities?: readonly string[];
  }>;
  readonly subscriptions: ReadonlyArray<{
    readonly pubsubname: string;
    readonly topic: string;
    readonly rules: ReadonlyArray<{ readonly path: string }>;
    readonly type: string;
  }>;
  readonly httpEndpoints?: ReadonlyArray<{ readonly name: string }>;
  readonly extended: Readonly<Record<string, string>>;
}
export interface MetadataApi {
  getMetadata(): Promise<MetadataView>;
  setMetadata(key: string, value: string): Promise<void>;
}

export function metadataOverHttp(http: HttpWire): MetadataApi {
  return {
    getMetadata: async () =>
      (await (await http.send("GET", "/v1.0/metadata")).json()) as MetadataView,
    setMetadata: async (key, value) =>
      void (await http.send("PUT", `/v1.0/metadata/${key}`, { body: value })),
  };
}

/** The rules of a subscription are a message of their own here, which HTTP does without. */
type GrpcView = Omit<MetadataView, "subscriptions"> & {
  readonly subscriptions: ReadonlyArray<
    Omit<MetadataView["subscriptions"][number], "rules"> & {
      readonly rules: Pick<MetadataView["subscriptions"][number], "rules">;
    }
  >;
};

export function metadataOverGrpc(grpc: GrpcWire): MetadataApi {
  return {
    getMetadata: async () => {
      const view = await grpc.unary<GrpcView>("GetMetadata", {});
      return {
        ...view,
        subscriptions: view.subscriptions.map((each) => ({ ...each, rules: each.rules.rules })),
      };
    },
    setMetadata: async (key, value) => void (await grpc.unary("SetMetadata", { key, value })),
  };
}
