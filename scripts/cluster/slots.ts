/** Whose turn it is: a cluster takes a slot by making its folder, and gives it back by removing it. */
import { existsSync, statSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { closeNetwork } from "./network.ts";
import { removeGroups } from "./node.ts";
import { type Places, placesOf, runFolder, slots } from "./places.ts";
import { identity, isAlive, killProcesses, readIf } from "./processes.ts";

/** In place of a process, for clusters that stay until somebody takes them down. */
const nobody = "nobody";
/** How long a folder without an owner counts as one that is being made. */
const makingMs = 10_000;

/** The slot asked for, or else the first free one. What a killed process left there is cleared up first. */
export async function takeSlot(asked: number | undefined, keep: boolean): Promise<Places> {
  await mkdir(runFolder, { recursive: true });
  const candidates = asked === undefined ? Array.from({ length: slots }, (_, at) => at) : [asked];
  for (const slot of candidates) {
    const places = placesOf(slot);
    if (await take(places, keep)) return places;
  }
  throw new Error(
    asked === undefined
      ? `All ${slots} slots for clusters are taken: see "${runFolder}"`
      : `Slot ${asked} is taken: by a cluster in "${placesOf(asked).folder}", or its ports are`,
  );
}

async function take(places: Places, keep: boolean): Promise<boolean> {
  if (existsSync(places.folder)) {
    if (isOwned(places.folder)) return false;
    await clear(places);
  }
  if (existsSync(`/sys/class/net/${places.hostLink}`)) return false;
  if (await anyListens(Object.values(places.ports))) return false;
  try {
    await mkdir(places.folder);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw reason;
  }
  await writeFile(join(places.folder, "owner"), keep ? nobody : (identity(process.pid) ?? ""));
  return true;
}

function isOwned(folder: string): boolean {
  const owner = readIf(join(folder, "owner"));
  if (owner !== undefined) return owner === nobody || isAlive(owner);
  return existsSync(folder) && Date.now() - statSync(folder).mtimeMs < makingMs;
}

/** The slots of clusters that are up. */
export async function takenSlots(): Promise<readonly number[]> {
  if (!existsSync(runFolder)) return [];
  return (await readdir(runFolder))
    .map(Number)
    .filter((slot) => Number.isInteger(slot))
    .sort((a, b) => a - b);
}

/** Ends a cluster: its processes, cgroups, network and files. Nothing happens where there is none. */
export async function clear(places: Places): Promise<void> {
  if (!existsSync(places.folder)) return;
  await killProcesses(places.folder);
  for (const node of places.nodes) if (existsSync(node.folder)) await removeGroups(node);
  await closeNetwork(places);
  await rm(places.folder, { recursive: true, force: true, maxRetries: 5 });
}

async function anyListens(ports: readonly number[]): Promise<boolean> {
  const answers = await Promise.all(
    ports.map(
      (port) =>
        new Promise<boolean>((resolve) => {
          const socket = createConnection({ host: "127.0.0.1", port, timeout: 1000 });
          const end = (answer: boolean) => (): void => {
            socket.destroy();
            resolve(answer);
          };
          socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(true));
        }),
    ),
  );
  return answers.includes(true);
}
