import { spawn } from "node:child_process";

/** Reads until the process at the other end reports that everything is over, or dies. */
const script = `read -r word
[ "$word" = over ] && exit
kill -s TERM -- "-$1"
sleep 2
kill -s KILL -- "-$1"`;

/**
 * Ends a process group if this process dies without noticing, for example by SIGKILL: a small shell
 * waits for its pipe to break. Returns a function that cancels this. Without a shell, as on
 * Windows, nothing is guarded.
 */
export function guardGroup(pid: number): () => void {
  const guard = spawn("/bin/sh", ["-c", script, "sh", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C in a terminal must not reach it.
    detached: true,
  });
  guard.on("error", () => {});
  guard.stdin.on("error", () => {});
  guard.unref();
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
  return () => void guard.stdin.end("over\n");
}
