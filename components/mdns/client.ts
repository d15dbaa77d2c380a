import multicastDns from "multicast-dns";

type Dns = ReturnType<typeof multicastDns>;

/** A record as it goes over the wire, the kinds that are used here. */
export type DnsRecord =
  | { readonly type: "PTR"; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly ttl: number;
      readonly data: { readonly port: number; readonly target: string };
    }
  | { readonly type: "TXT"; readonly name: string; readonly ttl: number; readonly data: string[] }
  | {
      readonly type: "A" | "AAAA";
      readonly name: string;
      readonly ttl: number;
      readonly data: string;
    };

export interface DnsMessage {
  readonly questions: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  readonly records: readonly DnsRecord[];
}

/** Multicast DNS on every interface that has it, the loopback included. */
export interface DnsClient {
  ask(name: string): void;
  /** Resolves when it has been handed to the network, or could not be. */
  answer(answers: readonly DnsRecord[], additionals: readonly DnsRecord[]): Promise<void>;
  close(): Promise<void>;
}

const port = 5353;

/** Listens for questions and answers. A socket that fails is told of, and leaves the others to work. */
export function openDns(
  heard: { question(message: DnsMessage): void; answer(message: DnsMessage): void },
  failed: (reason: Error) => void,
): DnsClient {
  // Without a route for multicast the default socket reaches nobody: processes of one host meet on the loopback.
  const sockets: Dns[] = [multicastDns({ port }), multicastDns({ port, interface: "127.0.0.1" })];
  for (const socket of sockets) {
    socket.on("error", failed);
    socket.on("warning", () => {});
    socket.on("query", (packet: unknown) => heard.question(messageOf(packet)));
    socket.on("response", (packet: unknown) => heard.answer(messageOf(packet)));
  }
  const each = (send: (socket: Dns) => void): void => {
    for (const socket of sockets) send(socket);
  };
  return {
    ask: (name) => each((socket) => socket.query({ questions: [{ name, type: "PTR" }] } as never)),
    answer: async (answers, additionals) => {
      const sent = (socket: Dns): Promise<void> =>
        new Promise((resolve) =>
          socket.respond({ answers, additionals } as never, () => resolve()),
        );
      await Promise.all(sockets.map(sent));
    },
    close: async () => {
      await Promise.all(
        sockets.map((socket) => new Promise<void>((resolve) => socket.destroy(() => resolve()))),
      );
    },
  };
}

function messageOf(packet: unknown): DnsMessage {
  const { questions, answers, additionals } = packet as {
    readonly questions?: DnsMessage["questions"];
    readonly answers?: readonly DnsRecord[];
    readonly additionals?: readonly DnsRecord[];
  };
  return { questions: questions ?? [], records: [...(answers ?? []), ...(additionals ?? [])] };
}
