import { messageOf } from "#core/errors/component-error.ts";
import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import { jsonFaultAt, tooDeep } from "#core/util/json.ts";
import {
  jsonExtent,
  type JsonMember,
  jsonMembers,
  lineAndColumn,
  skipSpace,
} from "#core/util/json-members.ts";
import { parseProtoDuration } from "#core/util/protobuf/duration.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { jobError, schedulerError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { ScheduleJob } from "./operations.ts";

/** Data that is nested deeper than anybody means; reading it again would take more stack than there is. */
const deepest = 1000;
const mostUint32 = 0xffff_ffff;

/** The job in the body of a request, which protobuf's JSON reader has read in Dapr: its faults are told in its words. */
export async function readJob(input: HttpInput): Promise<ScheduleJob> {
  let text: string;
  try {
    text = await input.text();
  } catch (reason) {
    throw jobError("ERR_BODY_READ", `failed to read request body: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  const { name, overwrite = false, ...job } = text === "" ? {} : readMembers(text);
  if (name)
    throw schedulerError(input.app, "DAPR_SCHEDULER_JOB_NAME", "Set the job name in the url only");
  return { job: { ...job, name: input.param("name").trim() }, overwrite };
}

type Body = Partial<Job> & { readonly overwrite?: boolean };
type Read = (reader: Reader, name: string, member: JsonMember) => unknown;

const members: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["name", readText],
  ["schedule", readText],
  ["dueTime", readText],
  ["ttl", readText],
  ["repeats", readUint32],
  ["overwrite", readBool],
  ["data", readData],
  ["failurePolicy", readPolicy],
]);
const snakeNames: ReadonlyMap<string, string> = new Map([
  ["due_time", "dueTime"],
  ["failure_policy", "failurePolicy"],
  ["max_retries", "maxRetries"],
]);

/** A text that is valid JSON, and how its faults are told. */
interface Reader {
  readonly text: string;
  /** A refusal that names the place. */
  fault(at: number, why: string): Error;
}

function readMembers(text: string): Body {
  const reader: Reader = {
    text,
    fault: (at, why) => malformed(`(line ${lineAndColumn(text, at)}): ${why}`),
  };
  checkSyntax(text);
  const start = skipSpace(text, 0);
  if (text[start] !== "{") throw unexpected(reader, start);
  return readObject(reader, start, members);
}

/** Members that the table knows, by their names in camel case; `null` is none, but where it is data. */
function readObject(
  reader: Reader,
  at: number,
  table: ReadonlyMap<string, Read>,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const member of jsonMembers(reader.text, at)) {
    const name = snakeNames.get(member.name) ?? member.name;
    const read = table.get(name);
    if (!read) continue;
    if (name in out)
      throw reader.fault(member.nameAt, `duplicate field ${JSON.stringify(member.name)}`);
    if (member.text === "null" && read !== readData) continue;
    out[name] = read(reader, name, member);
  }
  return out;
}

function readText(reader: Reader, name: string, member: JsonMember): string {
  if (!member.text.startsWith('"')) throw invalidValue(reader, "string", name, member);
  return JSON.parse(member.text) as string;
}
/** Protobuf takes a number in quotes as well. */
function readUint32(reader: Reader, name: string, member: JsonMember): number {
  const digits = member.text.startsWith('"') ? (JSON.parse(member.text) as string) : member.text;
  const number = /^-?\d[\d.]*(?:[eE][-+]?\d+)?$/.test(digits) ? Number(digits) : NaN;
  if (!Number.isInteger(number) || number < 0 || number > mostUint32)
    throw invalidValue(reader, "uint32", name, member);
  return number;
}
function readBool(reader: Reader, name: string, member: JsonMember): boolean {
  if (member.text !== "true" && member.text !== "false")
    throw invalidValue(reader, "bool", name, member);
  return member.text === "true";
}
/** Any JSON; also what looks like an Any is only that. */
function readData(reader: Reader, _name: string, { text, valueAt }: JsonMember): Job["data"] {
  if (jsonExtent(text, 0).depth > deepest) throw reader.fault(valueAt, tooDeep);
  return { json: text };
}

function readPolicy(
  reader: Reader,
  _name: string,
  { valueAt }: JsonMember,
): FailurePolicy | undefined {
  if (reader.text[valueAt] !== "{") throw unexpected(reader, valueAt);
  let policy: FailurePolicy | undefined;
  for (const { name, nameAt, valueAt: at, text } of jsonMembers(reader.text, valueAt)) {
    if ((name !== "drop" && name !== "constant") || text === "null") continue;
    if (policy)
      throw reader.fault(
        nameAt,
        `error parsing ${JSON.stringify(name)}, oneof dapr.proto.common.v1.JobFailurePolicy.policy is already set`,
      );
    if (!text.startsWith("{")) throw unexpected(reader, at);
    policy =
      name === "drop"
        ? { kind: "drop" }
        : { kind: "constant", ...readObject(reader, at, constantMembers) };
  }
  return policy;
}
const constantMembers: ReadonlyMap<string, Read> = new Map<string, Read>([
  [
    "interval",
    (reader, _name, { text, valueAt }) => {
      if (!text.startsWith('"')) throw unexpected(reader, valueAt);
      const interval = parseProtoDuration(JSON.parse(text) as string);
      if (interval) return interval;
      throw reader.fault(valueAt, `invalid google.protobuf.Duration value ${text}`);
    },
  ],
  ["maxRetries", readUint32],
]);

function invalidValue(reader: Reader, type: string, name: string, member: JsonMember): Error {
  const why = `invalid value for ${type} field ${name}: ${token(member.text)}`;
  return reader.fault(member.valueAt, why);
}
function unexpected({ text }: Reader, at: number): Error {
  return syntaxError(text, at, `unexpected token ${token(text.slice(at, at + 64))}`);
}
/** As much of a value as its reader has seen. */
function token(text: string): string {
  return /^[{[]/.test(text) ? (text[0] as string) : text.slice(0, jsonExtent(text, 0).end);
}

function checkSyntax(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    const fault = jsonFaultAt(text);
    if (fault >= text.length) throw malformed("unexpected EOF");
    let at = fault;
    while (at > 0 && /[-+.\w]/.test(text[at - 1] as string)) at--;
    const word = /^[-+.\w]+/.exec(text.slice(at, at + 64))?.[0];
    throw syntaxError(
      text,
      at,
      word === undefined ? `unexpected token ${String(text[at])}` : `invalid value ${word}`,
    );
  }
}
function syntaxError(text: string, at: number, why: string): Error {
  return malformed(`syntax error (line ${lineAndColumn(text, at)}): ${why}`);
}
/** Go's protobuf library separates its name from the rest by a space or, as in the build of Dapr's that was recorded, this. */
function malformed(why: string): Error {
  return jobError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: proto:\u00a0${why}`);
}
