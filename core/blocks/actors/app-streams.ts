import type { Alive, Part } from "#core/kernel/part.ts";
import type { ActorHost } from "#core/ports/actor-host.ts";
import type { AppActors } from "./app-actors.ts";
import type { HostedTypes } from "./settings.ts";

/** A host over gRPC, as long as its stream is open. */
export interface OpenStream {
  readonly types: HostedTypes;
  readonly host: ActorHost;
}

/** The streams over which one app hosts its actors. The newest serves; when it leaves, the one before it serves again. */
export interface AppStreams extends Alive {
  /** The app can be called: from now on its newest stream hosts its actors. */
  start(actors: AppActors): void;
  /** Nothing is hosted over the streams until the next start. They stay open, at least until `hosted` resolves. */
  pause(hosted: Promise<void>): void;
  /** Adds a stream. Returns a function that removes it. */
  add(stream: OpenStream): () => void;
  /** Fires once the app is going away. */
  readonly stopping: AbortSignal;
}

export const appStreams: Part<AppStreams> = {
  name: "actors.streams",
  create: () => createAppStreams(),
};

type Served = Pick<AppActors, "begin" | "host" | "stop" | "suspend">;

export function createAppStreams(): Omit<AppStreams, "start"> & { start(actors: Served): void } {
  const streams: OpenStream[] = [];
  const stopping = new AbortController();
  let actors: Served | undefined;
  /** What is hosted; calls go to the stream that it holds by then. */
  let serving: { stream: OpenStream } | undefined;
  let hadStream = false;
  let paused: Promise<void> = Promise.resolve();

  function serve(): void {
    const newest = streams.at(-1);
    if (!actors || newest === serving?.stream) return;
    if (newest && serving && isSame(newest.types, serving.stream.types)) {
      // Its actors stay active, and calls of the former stream end there.
      serving.stream = newest;
      return;
    }
    // Dapr: the calls of an app wait for a stream until their own deadline, once it has had one.
    actors.suspend();
    if (!newest) {
      serving = undefined;
      void actors.stop();
      return;
    }
    const now = { stream: newest };
    serving = now;
    actors.begin(actors.host(newest.types, hostOf(now)));
  }
  return {
    stopping: stopping.signal,
    start: (started) => {
      actors = started;
      if (streams.length > 0) serve();
      else if (hadStream) started.suspend();
      else started.begin(Promise.resolve());
    },
    pause: (hosted) => {
      paused = hosted;
      actors = undefined;
      serving = undefined;
    },
    add: (stream) => {
      hadStream = true;
      streams.push(stream);
      serve();
      return () => {
        const at = streams.indexOf(stream);
        if (at < 0) return;
        streams.splice(at, 1);
        serve();
      };
    },
    stop: async () => {
      // The app is still told that its actors leave.
      await paused;
      stopping.abort(new Error("The app is stopping"));
    },
  };
}

function hostOf(serving: { readonly stream: OpenStream }): ActorHost {
  return {
    invoke: (actor, call, options) => serving.stream.host.invoke(actor, call, options),
    remind: (actor, reminder, options) => serving.stream.host.remind(actor, reminder, options),
    tick: (actor, timer, options) => serving.stream.host.tick(actor, timer, options),
    deactivate: (actor, options) => serving.stream.host.deactivate(actor, options),
  };
}

/** The same types with the same settings, in any order. */
function isSame(a: HostedTypes, b: HostedTypes): boolean {
  return (
    a.size === b.size &&
    [...a].every(([type, settings]) => JSON.stringify(settings) === JSON.stringify(b.get(type)))
  );
}
