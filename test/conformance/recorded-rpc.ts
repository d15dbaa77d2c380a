import {
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "#core/wire/grpc/gen/google/rpc/status_pb.js";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";
import type { Ended } from "#test/support/grpc-client.ts";
import type { Seen } from "./recorded-app.ts";
import { recordedView } from "./recorded-view.ts";

/** A call as it was recorded: the request in the form of protobufjs, bytes in base64. */
export interface RecordedRpc {
  readonly name: string;
  readonly method: Rpc;
  /** 1: by the app without a port. */
  readonly via?: number;
  readonly request: object;
  readonly code: keyof typeof status;
  readonly message?: string;
  readonly details?: object;
  readonly response?: object;
  readonly appSaw?: readonly Seen[];
}

/** The request, in the form of our library. */
export function requestOf(method: Rpc, request: object): object {
  return messageOf(rpcs.get(method)?.input as DescMessage, request);
}

function messageOf(schema: DescMessage, given: object): object {
  const values = given as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = values[field.localName] ?? values[field.name];
    if (value === undefined) continue;
    const read = fieldOf(field, value);
    if (field.oneof && !field.proto.proto3Optional)
      out[field.oneof.localName] = { case: field.localName, value: read };
    else out[field.localName] = read;
  }
  return out;
}
function fieldOf(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "list")
    return (value as readonly unknown[]).map((each) => valueOf(field.message, field.scalar, each));
  return field.fieldKind === "map" ? value : valueOf(field.message, field.scalar, value);
}
function valueOf(
  message: DescMessage | undefined,
  scalar: ScalarType | undefined,
  value: unknown,
): unknown {
  if (message) return messageOf(message, value as object);
  if (scalar === ScalarType.BYTES) return Buffer.from(value as string, "base64");
  return scalar === ScalarType.INT64 ? BigInt(value as number) : value;
}

/** How a call ended, as the recordings show it. */
export function shown(method: Rpc, { code, message, details, response }: Ended): object {
  if (code !== status.OK)
    return {
      code: status[code],
      message,
      details: details.map(({ type, value }) => {
        const { $typeName: _, $unknown: __, ...info } = fromBinary(ErrorInfoSchema, value);
        return { "@type": type.replace("type.googleapis.com/", ""), ...info };
      }),
    };
  const output = rpcs.get(method)?.output as DescMessage;
  return { code: "OK", response: recordedView(output, response as Message) };
}

/** What is compared of a recorded call. */
export function wantedRpc({ code, message, details, response, appSaw }: RecordedRpc): object {
  return {
    code,
    ...(message === undefined ? {} : { message, details }),
    ...(response === undefined ? {} : { response }),
    ...(appSaw === undefined ? {} : { appSaw: appSaw.map(parsedBody) }),
  };
}

/** The body as JSON, where it is JSON. */
export function parsedBody<T extends { readonly body: string }>(call: T): object {
  try {
    return { ...call, body: JSON.parse(call.body) as unknown };
  } catch {
    return call;
  }
}
