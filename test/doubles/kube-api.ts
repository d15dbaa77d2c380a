import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { type ClusterAccess, fixedAccess } from "#k8s/api/access.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { parsePath, pathOf, type ResourcePath } from "./kube-api/paths.ts";
import { listPage, type Pages } from "./kube-api/list.ts";
import { createStore, Refusal } from "./kube-api/store.ts";
import { type OpenWatch, openWatch } from "./kube-api/watches.ts";
import * as writes from "./kube-api/write.ts";

/**
 * A double of the Kubernetes API server, in this process and over real HTTP(S). It keeps any object under its path
 * and knows no schema; it does not admit, default, convert or collect garbage, and no controller runs.
 *
 *     await using api = await kubeApi();
 *     api.put({ apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "cart-0" }, spec: { nodeName: "n1" } });
 *     await using client = openClient(api.access());
 *
 * Without users every request is allowed; see `users`.
 */
export interface KubeApiDouble extends AsyncDisposable {
  /** `http://127.0.0.1:port`, or `https://…`; stays the same over `stop` and `start`. */
  readonly url: string;
  /** Certificate authority (PEM) of an HTTPS double. */
  readonly ca: string | undefined;
  /** For `openClient`; with a token, as one of `users`. */
  access(token?: string): ClusterAccess;

  // Objects, as an administrator would change them: at once, no rights asked, watches are told.
  /** Creates or replaces; gives it with uid and resourceVersion. The namespace is `default` where it says none. */
  put<T extends KubeObject>(object: T): T;
  /** By path (`/api/v1/namespaces/shop/pods/cart-0`), as it is now. */
  get<T extends KubeObject>(path: string): T | undefined;
  /** All of a collection: `/api/v1/pods` or `/api/v1/namespaces/shop/pods`. */
  list<T extends KubeObject>(path: string): readonly T[];
  /** False where there was none. */
  remove(path: string): boolean;

  // Who may what.
  /** Bearer token → user. Empty: nobody needs a token. Else an unknown token is answered 401. */
  readonly users: Map<string, DoubleUser>;
  /** Asked for each request; false is answered 403. Default: everything is allowed. */
  isAllowed: (access: DoubleAccess) => boolean;
  /** The status of a TokenReview. Default: the token is one of `users`, with the audiences that were asked for. */
  onTokenReview: (spec: TokenReviewSpec) => TokenReviewStatus;

  // What happened.
  /** All requests, in order, each when it came. */
  readonly requests: readonly DoubleRequest[];
  /** The watches that are open now. */
  readonly watches: readonly DoubleWatch[];

  // Faults.
  /** The next request that fits gets this instead of its answer. Gives a function that takes the fault back. */
  fail(fault: DoubleFault): () => void;
  /** Forgets the past: watches from before it are answered 410 as an event, as are `continue` tokens. */
  compact(): void;
  /** Sends a bookmark to each watch that wants them. */
  bookmark(): void;
  /** Refuses connections, and cuts those that are open. */
  stop(): Promise<void>;
  /** The same port again. Objects, users and versions are kept. */
  start(): Promise<void>;
}

export interface DoubleUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
export type DoubleVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
export interface DoubleAccess {
  /** Undefined where no token is needed. */
  readonly user: DoubleUser | undefined;
  readonly verb: DoubleVerb;
  /** Empty: the core group. */
  readonly group: string;
  /** Plural, with its subresource: `pods`, `components/status`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}
export interface TokenReviewSpec {
  readonly token?: string;
  readonly audiences?: readonly string[];
}
export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: DoubleUser;
  readonly audiences?: readonly string[];
  readonly error?: string;
}
export interface DoubleRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly contentType: string | undefined;
  /** Parsed; undefined where there is none. */
  readonly body: unknown;
  /** Undefined until it is answered. */
  readonly status: number | undefined;
}
export interface DoubleWatch {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  /** Any text, as it is: whole lines, halves, garbage. */
  write(text: string): void;
  /** Ends it as the server does when its time is over. */
  end(): void;
  /** Cuts the connection in the middle. */
  cut(): void;
  /** Tells it nothing from now on; the connection stays open. */
  freeze(): void;
}
/** Which requests (all that are said must fit), and what happens to them. */
export type DoubleFault = {
  readonly verb?: DoubleVerb;
  /** The path without query, or what it matches. */
  readonly path?: string | RegExp;
  /** How many requests; default 1. */
  readonly times?: number;
} & (
  | {
      /** A `Status` with this code. */
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** 200 with that text. */
  | { readonly text: string }
  /** Never answered. */
  | { readonly hang: true }
  /** The connection is cut. */
  | { readonly cut: true }
);

export interface KubeApiOptions {
  /** HTTPS with a certificate of an authority of its own. */
  readonly tls?: boolean;
  /** Sends bookmarks by itself; default: only `bookmark()` does. */
  readonly bookmarkEveryMs?: number;
}

export async function kubeApi(options: KubeApiOptions = {}): Promise<KubeApiDouble> {
  const watches = new Set<OpenWatch>();
  const store = createStore((change) => {
    for (const watch of watches) watch.tell(change);
  });
  const requests: Mutable<DoubleRequest>[] = [];
  const faults: { readonly fault: DoubleFault; left: number }[] = [];
  const pages: Pages = new Map();
  const authority = options.tls === true ? await testAuthority() : undefined;
  const own = await authority?.issue("kube-api");
  const server =
    own === undefined
      ? createHttp((request, response) => void serve(request, response))
      : createHttps(
          { cert: own.certificate, key: own.privateKey },
          (request, response) => void serve(request, response),
        );
  let port = 0;
  const listen = (): Promise<void> =>
    new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  await listen();
  port = (server.address() as AddressInfo).port;
  const bookmarks =
    options.bookmarkEveryMs === undefined
      ? undefined
      : setInterval(() => self.bookmark(), options.bookmarkEveryMs);

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "http://double");
    const request: Mutable<DoubleRequest> = {
      method: incoming.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      token: /^Bearer (.*)$/.exec(incoming.headers.authorization ?? "")?.[1],
      contentType: incoming.headers["content-type"],
      body: undefined,
      status: undefined,
    };
    requests.push(request);
    try {
      let text = "";
      for await (const chunk of incoming) text += String(chunk);
      if (text !== "") request.body = JSON.parse(text);
      const path = parsePath(url.pathname);
      const verb = verbOf(request, path);
      const fault = takeFault(verb, url.pathname);
      if (fault !== undefined) {
        inflict(fault, request, response);
        return;
      }
      answer(request, response, verb, path);
    } catch (reason) {
      if (reason instanceof Refusal) refuse(request, response, reason);
      else if (reason instanceof SyntaxError)
        refuse(request, response, new Refusal(400, "BadRequest", "the body is not valid JSON"));
      // The client has gone away in the middle.
      else if (incoming.destroyed && !incoming.complete) response.destroy();
      else throw reason;
    }
  }
  function answer(
    request: Mutable<DoubleRequest>,
    response: ServerResponse,
    verb: DoubleVerb,
    path: ResourcePath | undefined,
  ): void {
    const user = self.users.get(request.token ?? "");
    if (self.users.size > 0 && user === undefined)
      throw new Refusal(401, "Unauthorized", "Unauthorized");
    if (path === undefined) throw new Refusal(404, "NotFound", "the server could not find it");
    const { group, namespace, name, plural, subresource } = path;
    const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
    if (!self.isAllowed({ user, verb, group, resource, namespace, name }))
      throw new Refusal(
        403,
        "Forbidden",
        `${resource} is forbidden: User "${user?.username ?? "system:anonymous"}" cannot ${verb} resource "${resource}" in API group "${group}"${namespace === undefined ? " at the cluster scope" : ` in the namespace "${namespace}"`}`,
      );
    const body = request.body as KubeObject;
    if (verb === "watch") {
      request.status = 200;
      watches.add(openWatch(store, path, request, response, (watch) => watches.delete(watch)));
    } else if (verb === "create" && plural === "tokenreviews") {
      const { spec = {} } = body as { readonly spec?: TokenReviewSpec };
      reply(request, response, 201, { ...body, status: self.onTokenReview(spec) });
    } else if (verb === "list")
      reply(request, response, 200, listPage(store, pages, path, request.query));
    else if (verb === "create") reply(request, response, 201, writes.create(store, path, body));
    else if (verb === "update") reply(request, response, 200, writes.update(store, path, body));
    else if (verb === "patch") {
      const written = writes.patch(store, path, body, request.contentType ?? "", request.query);
      reply(request, response, 200, written);
    } else if (verb === "delete") reply(request, response, 200, writes.remove(store, path, body));
    else {
      const found = store.get(path);
      if (found === undefined) throw writes.notFound(path);
      reply(request, response, 200, found);
    }
  }
  function takeFault(verb: DoubleVerb, path: string): DoubleFault | undefined {
    const at = faults.findIndex(({ fault }) => {
      if (fault.verb !== undefined && fault.verb !== verb) return false;
      if (fault.path === undefined) return true;
      return typeof fault.path === "string" ? fault.path === path : fault.path.test(path);
    });
    const entry = faults[at];
    if (entry !== undefined && --entry.left <= 0) faults.splice(at, 1);
    return entry?.fault;
  }

  const self: KubeApiDouble = {
    url: `${own === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    ca: authority?.certificate,
    access: (token) =>
      fixedAccess(self.url, {
        ...(authority === undefined ? {} : { ca: authority.certificate }),
        ...(token === undefined ? {} : { token }),
      }),
    put: <T extends KubeObject>(object: T) => store.write(mustParse(pathOf(object)), object) as T,
    get: <T>(path: string) => store.get(mustParse(path)) as T | undefined,
    list: <T>(path: string) => store.list(mustParse(path)) as unknown as readonly T[],
    remove: (path) => store.remove(mustParse(path)) !== undefined,
    users: new Map(),
    isAllowed: () => true,
    onTokenReview: ({ token = "", audiences = [] }) => {
      const user = self.users.get(token);
      return user === undefined
        ? { authenticated: false, error: "invalid bearer token" }
        : { authenticated: true, user, audiences };
    },
    requests,
    get watches() {
      return [...watches];
    },
    fail: (fault) => {
      const entry = { fault, left: fault.times ?? 1 };
      faults.push(entry);
      return () => {
        if (faults.includes(entry)) faults.splice(faults.indexOf(entry), 1);
      };
    },
    compact: () => {
      store.compact();
      pages.clear();
    },
    bookmark: () => {
      for (const watch of watches) watch.bookmark();
    },
    stop: close,
    start: listen,
    [Symbol.asyncDispose]: async () => {
      clearInterval(bookmarks);
      if (server.listening) await close();
    },
  };
  return self;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function mustParse(path: string): ResourcePath {
  const parsed = parsePath(path);
  if (parsed === undefined) throw new Error(`No path of a Kubernetes object: ${path}`);
  return parsed;
}
function verbOf({ method, query }: DoubleRequest, path: ResourcePath | undefined): DoubleVerb {
  if (method === "POST") return "create";
  if (method === "PUT") return "update";
  if (method === "PATCH") return "patch";
  if (method === "DELETE") return "delete";
  if (/^(?:1|true)$/.test(query.get("watch") ?? "")) return "watch";
  return path?.name === undefined ? "list" : "get";
}
function reply(
  request: Mutable<DoubleRequest>,
  response: ServerResponse,
  status: number,
  body: unknown,
): void {
  request.status = status;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
function refuse(
  request: Mutable<DoubleRequest>,
  response: ServerResponse,
  { code, reason, message }: Refusal,
): void {
  reply(request, response, code, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code,
    reason,
    message,
  });
}
function inflict(
  fault: DoubleFault,
  request: Mutable<DoubleRequest>,
  response: ServerResponse,
): void {
  if ("hang" in fault) return;
  if ("cut" in fault) {
    response.destroy();
    return;
  }
  if ("text" in fault) {
    request.status = 200;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(fault.text);
    return;
  }
  const { status, reason = "", message = `fault ${status}`, retryAfterSeconds } = fault;
  if (retryAfterSeconds !== undefined) response.setHeader("retry-after", String(retryAfterSeconds));
  refuse(request, response, new Refusal(status, reason, message));
}
