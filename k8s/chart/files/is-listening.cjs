// Startup probe of the runtime: exits with 0 once process 1 of this container itself listens on the port. An HTTP probe
// cannot tell: during an upgrade two runtimes of a node share the ports, and the old one would answer for the new.
const { readdirSync, readFileSync, readlinkSync } = require("node:fs");
const [port, pid = "1"] = process.argv.slice(1);
const wanted = Number(port).toString(16).toUpperCase().padStart(4, "0");
const quietly = (read) => {
  try {
    return read();
  } catch {
    return "";
  }
};
const own = new Set(
  readdirSync(`/proc/${pid}/fd`).map((fd) => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`))),
);
const isOwn = ([, local = "", , state, , , , , , inode]) =>
  state === "0A" && local.endsWith(`:${wanted}`) && own.has(`socket:[${inode}]`);
const sockets = ["tcp", "tcp6"].flatMap((name) =>
  quietly(() => readFileSync(`/proc/${pid}/net/${name}`, "utf8")).split("\n"),
);
process.exit(sockets.some((line) => isOwn(line.trim().split(/\s+/))) ? 0 : 1);
