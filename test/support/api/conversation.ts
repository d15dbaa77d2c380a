import type { JsonObject } from "@bufbuild/protobuf";
import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

/** Request and answer as protobuf's JSON, which is what HTTP speaks here anyway. */
export interface ConversationApi {
  converse(version: 1 | 2, model: string, request: object): Promise<object>;
}

export function conversationOverHttp(http: HttpWire): ConversationApi {
  return {
    converse: async (version, model, request) => {
      const path = `/v1.0-alpha${version}/conversation/${model}/converse`;
      return (await (await http.post(path, request)).json()) as object;
    },
  };
}

export function conversationOverGrpc(grpc: GrpcWire): ConversationApi {
  return {
    converse: (version, name, request) =>
      grpc.unary(`ConverseAlpha${version}`, { name, ...(request as JsonObject) }),
  };
}
