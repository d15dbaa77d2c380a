import Module, { createRequire } from "node:module";

/**
 * A double of `@azure/functions-core`, the module that the Functions worker gives an app: it takes what the
 * REAL `@azure/functions` registers, and turns calls into the messages that the host would send.
 */
export interface FunctionsDouble extends Disposable {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  /** Calls the HTTP function whose route and methods take the request; 404 when none does. */
  http(path: string, init?: RequestInit): Promise<Response>;
  /** Fires a timer function; rejects when its handler does. */
  timer(name: string): Promise<void>;
}
export interface RegisteredFunction {
  readonly name: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
  readonly callback: (...args: unknown[]) => unknown;
}
interface RpcBinding {
  readonly type: string;
  readonly direction: string;
  readonly methods?: readonly string[];
  readonly route?: string;
  readonly schedule?: string;
}
interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: unknown): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcResponse>;
}
interface RpcResponse {
  readonly returnValue?: { readonly http?: RpcHttp } | null;
}
interface RpcHttp {
  readonly statusCode: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly RpcCookie[];
  readonly body?: { readonly bytes?: Uint8Array; readonly string?: string } | null;
}
interface RpcCookie {
  readonly name: string;
  readonly value: string;
  readonly path?: { readonly value: string };
  readonly domain?: { readonly value: string };
  readonly maxAge?: { readonly value: number };
  readonly httpOnly?: { readonly value: boolean };
  readonly secure?: { readonly value: boolean };
  readonly sameSite?: "none" | "lax" | "strict" | "explicitNone";
}
interface Loader {
  _load: (this: unknown, request: string, ...rest: unknown[]) => unknown;
}

/** Loads a built function app (CommonJS) afresh. */
export function loadFunctionApp(bundle: string): FunctionsDouble {
  const functions = new Map<string, RegisteredFunction>();
  let model: { getInvocationModel(context: object): InvocationModel } | undefined;
  class FunctionsDisposable {
    dispose(): void {}
  }
  const core = {
    version: "3.12.0",
    hostVersion: "4.1040.0",
    Disposable: FunctionsDisposable,
    log: () => {},
    registerHook: () => new FunctionsDisposable(),
    setProgrammingModel: (given: typeof model) => (model = given),
    getProgrammingModel: () => model,
    registerFunction: (
      metadata: Omit<RegisteredFunction, "callback">,
      callback: RegisteredFunction["callback"],
    ) => {
      functions.set(metadata.name, { ...metadata, callback });
      return new FunctionsDisposable();
    },
  };
  const loader = Module as unknown as Loader;
  const load = loader._load;
  loader._load = function (request, ...rest) {
    return request === "@azure/functions-core" ? core : load.call(this, request, ...rest);
  };
  const require = createRequire(import.meta.url);
  delete require.cache[require.resolve(bundle)];
  try {
    require(bundle);
  } catch (reason) {
    loader._load = load;
    throw reason;
  }

  async function invoke(
    { callback, ...metadata }: RegisteredFunction,
    data: object,
  ): Promise<RpcResponse> {
    if (!model) throw new Error("The app has set no programming model");
    const [trigger = ""] = Object.keys(metadata.bindings);
    const invocation = model.getInvocationModel({
      invocationId: crypto.randomUUID(),
      metadata,
      request: { inputData: [{ name: trigger, data }], triggerMetadata: {} },
      log: () => {},
      state: undefined,
    });
    const { context, inputs } = await invocation.getArguments();
    return invocation.getResponse(
      context,
      await invocation.invokeFunction(context, inputs, callback),
    );
  }

  return {
    functions,
    http: async (path, init = {}) => {
      const request = new Request(`https://functions.test${path}`, init);
      const target = [...functions.values()].find(({ bindings }) =>
        Object.values(bindings).some(
          ({ type, route, methods }) =>
            type === "httpTrigger" && route === "{*path}" && methods?.includes(request.method),
        ),
      );
      // The host keeps these for itself.
      if (!target || /^\/(?:admin|runtime)(?:\/|$)/.test(path))
        return new Response(null, { status: 404 });
      const body = new Uint8Array(await request.arrayBuffer());
      // Clients state the length of a body, and the host passes it on.
      if (body.byteLength > 0) request.headers.set("content-length", String(body.byteLength));
      const answer = await invoke(target, {
        http: {
          method: request.method,
          url: `https://functions.test${path}`,
          nullableHeaders: Object.fromEntries(
            [...request.headers].map(([name, value]) => [name, { value }]),
          ),
          ...(body.byteLength > 0 ? { body: { bytes: body } } : {}),
        },
      });
      const http = answer.returnValue?.http;
      return http ? toResponse(http, request.method) : new Response(null, { status: 204 });
    },
    timer: async (name) => {
      const target = functions.get(name);
      if (!target) throw new Error(`The app registered no function "${name}"`);
      await invoke(target, { json: JSON.stringify({ Schedule: {}, IsPastDue: false }) });
    },
    [Symbol.dispose]: () => {
      loader._load = load;
    },
  };
}

function toResponse(http: RpcHttp, method: string): Response {
  const headers = new Headers(http.headers);
  for (const cookie of http.cookies) headers.append("set-cookie", cookieText(cookie));
  const status = Number(http.statusCode);
  const bare = method === "HEAD" || status === 204 || status === 304;
  const body = http.body?.bytes ?? http.body?.string ?? null;
  return new Response(bare ? null : (body as ConstructorParameters<typeof Response>[0]), {
    status,
    headers,
  });
}
/** As ASP.NET writes it, value percent-encoded. */
function cookieText(cookie: RpcCookie): string {
  let text = `${cookie.name}=${encodeURIComponent(cookie.value)}`;
  if (cookie.maxAge) text += `; max-age=${cookie.maxAge.value}`;
  if (cookie.domain) text += `; domain=${cookie.domain.value}`;
  if (cookie.path) text += `; path=${cookie.path.value}`;
  if (cookie.secure?.value) text += "; secure";
  const sameSite =
    cookie.sameSite === "explicitNone"
      ? "none"
      : cookie.sameSite === "none"
        ? undefined
        : cookie.sameSite;
  if (sameSite !== undefined) text += `; samesite=${sameSite}`;
  if (cookie.httpOnly?.value) text += "; httponly";
  return text;
}
