#!/usr/bin/env node
// Plain JavaScript for any Node from 18 on: it only finds a Node that can run the rest. It must not need
// PATH or HOME, since daprd does not.
import { fileURLToPath } from "node:url";

// Importing a built-in module reads all that it exports; asking for it does not, and Node 18 has only the import.
const builtin = async (name) => process.getBuiltinModule?.(name) ?? import(name);
const { existsSync } = await builtin("node:fs");
const needed = 24;
const bundle = new URL("../dist/node/main.js", import.meta.url);
// For those who keep much state in memory. Flags of the heap count only from the start of a process.
const maxHeapMb = process.env.OUTRIGGER_MAX_HEAP_MB ?? "";
const heapFlags = /^\d+$/.test(maxHeapMb) ? [`--max-old-space-size=${maxHeapMb}`] : [];

if (Number(process.versions.node.split(".")[0]) >= needed) {
  // The process image is replaced: same process id, nothing in between.
  if (heapFlags.length > 0 && !process.execArgv.includes(heapFlags[0]) && process.execve)
    process.execve(
      process.execPath,
      [
        process.execPath,
        ...heapFlags,
        ...process.execArgv,
        fileURLToPath(import.meta.url),
        ...process.argv.slice(2),
      ],
      process.env,
    );
  // V8's code of the bundle, from one start to the next. Where the folder cannot be written to, nothing is kept.
  if (existsSync(bundle))
    process
      .getBuiltinModule("node:module")
      .enableCompileCache(fileURLToPath(new URL("cache", bundle)));
  // What a start does often it never does again, and the compilers alone are 10 MiB of a group's process, which may stay
  // idle: targets/node/memory/optimize.ts turns them on again. They must be on as a process starts, or it has no threads for them.
  if (process.argv[2] === "node-group")
    for (const flag of ["--no-maglev", "--no-turbofan"])
      process.getBuiltinModule("node:v8").setFlagsFromString(flag);
  const source = new URL("../targets/cli/main.ts", import.meta.url);
  await import(existsSync(bundle) ? bundle : source);
} else {
  await runInNewerNode();
}

async function runInNewerNode() {
  const { spawn } = await import("node:child_process");
  const node = ["../node_modules/node/bin/node", "../../node/bin/node"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (node === undefined) {
    process.stderr.write(
      `Outrigger needs Node ${needed} or later, and this is ${process.version}; install one, or the npm package "node"\n`,
    );
    process.exit(1);
  }
  const child = spawn(
    node,
    [...heapFlags, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      // The channel closes when this process dies, in whatever way, and the child sees that. It also carries
      // signals: Ctrl-C reaches both processes, and a second one as the child ends would kill it.
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      env: { ...process.env, OUTRIGGER_WRAPPED: "1" },
    },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.connected && child.send(signal, () => {}));
  child.once("error", (reason) => {
    process.stderr.write(`Cannot start ${node}: ${reason.message}\n`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}
