import type { HttpInput } from "#core/wire/http/input.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { ConversationMessage, ConversationTool, ToolCall } from "#core/ports/conversation.ts";
import { isRecord, jsonErrorText } from "#core/util/json.ts";
import { conversationError, invalidParameters } from "./errors.ts";
import type { ConversationRequest } from "./exchange.ts";
import { modelOf } from "./operations.ts";
import { scrub } from "./scrub.ts";

type Fields = Readonly<Record<string, unknown>>;

/** alpha1: each input is a line of text. */
export async function readAlpha1(input: HttpInput): Promise<ConversationRequest> {
  const { component, body, inputs } = await readRequest(input);
  const messages = inputs.map((each): ConversationMessage => {
    const content = text(each["content"]);
    return {
      role: roleOf(text(each["role"])),
      content: [each["scrubPII"] === true ? scrub(content) : content],
    };
  });
  const contextId = text(body["contextID"]);
  const scrubAnswer = body["scrubPII"] === true;
  return { ...asked(component, body, inputs.length, messages, [], contextId), scrubAnswer };
}

/** alpha2: each input is a list of messages, each of one kind. */
export async function readAlpha2(input: HttpInput): Promise<ConversationRequest> {
  const { component, body, inputs } = await readRequest(input);
  const messages = inputs.flatMap((each) => {
    const read = list(each["messages"]).map((message) => readMessage(component, message));
    return each["scrubPii"] === true ? read.map(scrubMessage) : read;
  });
  const tools = list(body["tools"]).map(readTool);
  const contextId = text(body["contextId"]);
  const scrubAnswer = body["scrubPii"] === true;
  return { ...asked(component, body, inputs.length, messages, tools, contextId), scrubAnswer };
}

function asked(
  component: string,
  body: Fields,
  inputs: number,
  messages: readonly ConversationMessage[],
  tools: readonly ConversationTool[],
  contextId: string,
): Omit<ConversationRequest, "scrubAnswer"> {
  const toolChoice = text(body["toolChoice"]);
  const temperature = body["temperature"];
  return {
    component,
    inputs,
    contextId: contextId === "" ? undefined : contextId,
    request: {
      messages,
      tools,
      ...(toolChoice === "" ? {} : { toolChoice }),
      ...(typeof temperature === "number" ? { temperature } : {}),
    },
  };
}

async function readRequest(input: HttpInput): Promise<{
  readonly component: string;
  readonly body: Fields;
  readonly inputs: readonly Fields[];
}> {
  const component = input.param("name");
  let textBody: string;
  try {
    textBody = await input.text();
  } catch (reason) {
    throw conversationError("ERR_BODY_READ", `failed to read request body: ${messageOf(reason)}`);
  }
  let body: unknown = {};
  try {
    if (textBody !== "") body = JSON.parse(textBody);
  } catch {
    throw malformed(jsonErrorText(textBody));
  }
  if (!isRecord(body)) throw malformed("syntax error (line 1:1): unexpected token");
  modelOf(input, component);
  return { component, body, inputs: list(body["inputs"]) };
}

function readMessage(component: string, message: Fields): ConversationMessage {
  for (const [field, role] of plainRoles) {
    const of = message[field];
    if (isRecord(of)) return { role, content: contentOf(of), ...named(of) };
  }
  const assistant = message["ofAssistant"];
  if (isRecord(assistant))
    return {
      role: "assistant",
      content: contentOf(assistant),
      toolCalls: list(assistant["toolCalls"]).map((call) => readToolCall(component, call)),
      ...named(assistant),
    };
  const tool = message["ofTool"];
  if (isRecord(tool))
    return {
      role: "tool",
      toolId: text(tool["toolId"]),
      name: text(tool["name"]),
      content: contentOf(tool),
    };
  throw invalidParameters(component, "message type cannot be nil");
}
const plainRoles = [
  ["ofDeveloper", "developer"],
  ["ofSystem", "system"],
  ["ofUser", "user"],
] as const;

function readToolCall(component: string, call: Fields): ToolCall {
  const of = call["function"];
  if (!isRecord(of)) throw invalidParameters(component, "tool types cannot be nil");
  const id = text(call["id"]);
  const common = { name: text(of["name"]), arguments: text(of["arguments"]) };
  return id === "" ? common : { ...common, id };
}

function readTool(tool: Fields): ConversationTool {
  const of = isRecord(tool["function"]) ? tool["function"] : {};
  return {
    name: text(of["name"]),
    ...(text(of["description"]) === "" ? {} : { description: text(of["description"]) }),
    ...(isRecord(of["parameters"]) ? { parameters: of["parameters"] } : {}),
  };
}

/** The message without personal data in what it says. */
export function scrubMessage(message: ConversationMessage): ConversationMessage {
  return { ...message, content: message.content.map(scrub) };
}

export function roleOf(role: string): "system" | "user" {
  return role === "system" ? "system" : "user";
}
function contentOf(message: Fields): readonly string[] {
  return list(message["content"]).map((part) => text(part["text"]));
}
function named(message: Fields): { readonly name?: string } {
  const name = text(message["name"]);
  return name === "" ? {} : { name };
}
function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string")
    throw malformed(`invalid value for string field: ${JSON.stringify(value)}`);
  return value;
}
function list(value: unknown): readonly Fields[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isRecord))
    throw malformed("unexpected token; want a list of objects");
  return value;
}
function malformed(why: string): Error {
  return conversationError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: ${why}`);
}
