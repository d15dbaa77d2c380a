import type { Socket } from "node:net";
import type { FromGroup, Port, ToGroup } from "#targets/kubernetes/messages.ts";
import type { WaitingConnection } from "#targets/kubernetes/supervisor/waiting-connections.ts";
import type { GroupProcess } from "#targets/kubernetes/supervisor/group-process.ts";

/** A double of a group's process, in this one: it starts, speaks and ends when it is told to. */
export interface GroupProcessDouble extends GroupProcess {
  readonly told: ToGroup[];
  readonly handed: Array<{ readonly port: Port; readonly socket: Socket }>;
  /** What it will not have taken. */
  readonly back: WaitingConnection[];
  readonly isKilled: boolean;
  start(): Promise<void>;
  say(message: FromGroup): void;
  /** Says of each pod that it has been told of that its app answers. */
  host(): void;
  end(why: string): Promise<void>;
}

export function groupProcess(
  pid: number,
  onMessage: (message: FromGroup) => void,
): GroupProcessDouble {
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => {});
  const exited = Promise.withResolvers<string>();
  let isOver = false;
  let isKilled = false;
  const over = (why: string): void => {
    isOver = true;
    started.reject(new Error(why));
    exited.resolve(why);
  };
  const told: ToGroup[] = [];
  const handed: GroupProcessDouble["handed"] = [];
  const back: GroupProcessDouble["back"] = [];
  return {
    pid,
    told,
    handed,
    back,
    started: started.promise,
    exited: exited.promise,
    get isKilled() {
      return isKilled;
    },
    tell: (message) => void told.push(message),
    hand: (port, socket) => {
      if (isOver) return false;
      handed.push({ port, socket });
      return true;
    },
    takeBack: () => back.splice(0),
    kill: () => {
      isKilled = true;
      over("signal SIGKILL");
    },
    start: async () => {
      started.resolve();
      await turn();
    },
    say: onMessage,
    host: () => {
      for (const message of told)
        if (message.type === "pod") onMessage({ type: "hosted", uid: message.pod.uid });
    },
    end: async (why) => {
      over(why);
      await turn();
    },
  };
}

/** Lets what waits for promises go on. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
