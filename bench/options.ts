import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { durableNames } from "./durable.ts";
import { grpcRows, rows } from "./rows.ts";
import { policiesRow, sampledRow } from "./policies.ts";
import { streamRow } from "./stream.ts";

/** A runtime that the load goes to. */
export interface Target {
  readonly base: string;
  /** Its processes on this machine; empty when not told: then CPU and memory are not measured. */
  readonly pids: readonly number[];
  /** `host:port` of its gRPC API, where that is known. */
  readonly grpc?: string;
}
export interface Options {
  readonly json?: string;
  readonly only?: readonly string[];
  readonly seconds: number;
  readonly peer?: Target;
  /** URL of the app behind the peer, which counts what reminders and jobs call. */
  readonly peerApp?: string | undefined;
}

/** What the command line asks for; throws with what to mend. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      only: { type: "string" },
      seconds: { type: "string", default: "5" },
      peer: { type: "string" },
      "peer-grpc": { type: "string" },
      "peer-app": { type: "string" },
    },
  });
  // wrk counts in whole seconds.
  if (!/^[1-9]\d{0,3}$/.test(values.seconds))
    throw new Error(`--seconds must be a whole number from 1, not ${values.seconds}`);
  const only = values.only?.split(",");
  const names = [...rows, ...grpcRows]
    .map(({ name }) => name)
    .concat(streamRow, policiesRow, sampledRow, durableNames);
  const unknown = only?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`--only names no row: ${unknown.join(", ")}; the rows are ${names.join(", ")}`);
  return {
    seconds: Number(values.seconds),
    peerApp: values["peer-app"]?.replace(/\/$/, ""),
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(only === undefined ? {} : { only }),
    ...(values.peer === undefined ? {} : { peer: readPeer(values.peer, values["peer-grpc"]) }),
  };
}

function readPeer(text: string, grpc: string | undefined): Target {
  const [base = "", ...pids] = text.split(",");
  if (!/^https?:\/\//.test(base)) throw new Error(`--peer must start with a URL, not ${base}`);
  for (const pid of pids) {
    if (!/^[1-9]\d*$/.test(pid)) throw new Error(`--peer: ${pid} is not a process id`);
    try {
      readFileSync(`/proc/${pid}/stat`);
    } catch {
      throw new Error(`--peer: no process has the id ${pid}`);
    }
  }
  return {
    base: base.replace(/\/$/, ""),
    pids: pids.map(Number),
    ...(grpc === undefined ? {} : { grpc }),
  };
}
