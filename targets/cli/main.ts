import { boundHeap } from "#targets/node/memory/bound-heap.ts";
import type { Cli } from "./cli.ts";
import { runCommand } from "./commands.ts";

const maxInputBytes = 4 * 1024 * 1024;

const { stdout, stderr } = process;
// A reader that has gone away must not end the runtime.
stdout.on("error", () => {});
stderr.on("error", () => {});

const cli: Cli = {
  env: environment(),
  cwd: process.cwd(),
  terminal: stdout.isTTY === true,
  colour: stdout.isTTY === true && !process.env["NO_COLOR"],
  pid: process.pid,
  ownsOutput: true,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  input: readInput,
  loadStart: async () => (await import("#targets/node/start.ts")).startNode,
  onSignal: (name, listener) => {
    process.on(name, listener);
    return () => {
      // The listener's owner is ending, and one more signal must not turn that into a crash.
      process.on(name, ignore);
      process.off(name, listener);
    };
  },
  onExit: (listener) => {
    process.on("exit", listener);
    return () => process.off("exit", listener);
  },
  exit: (code) => process.exit(code),
};

/**
 * bin/outrigger.mjs started this process because its own Node is too old. It holds the other end of
 * a channel.
 */
if (process.env["OUTRIGGER_WRAPPED"] !== undefined) {
  process.once("disconnect", () => process.exit(1));
  if (!process.connected) process.exit(1);
  process.on("message", (name: NodeJS.Signals) => {
    if (!process.emit(name)) process.kill(process.pid, name);
  });
}

boundHeap();
process.exit(await runCommand(process.argv.slice(2), cli));

function ignore(): void {}

function environment(): Cli["env"] {
  const env = { ...process.env };
  // Meant for this process alone, not for apps that it starts.
  delete env["OUTRIGGER_WRAPPED"];
  return Object.freeze(env);
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxInputBytes) throw new Error(`Stdin has more than ${maxInputBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
