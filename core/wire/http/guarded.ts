import type { App } from "#core/kernel/app.ts";
import { admit, admitAtOnce, type Admission, nothingTaken } from "#core/gate/admit.ts";
import type { Arrival } from "#core/gate/token.ts";
import type { Exemptions } from "#core/kernel/operation.ts";
import { joinedHeader } from "#core/util/header-list.ts";
import { respond } from "./response.ts";
import type { ExemptRoutes } from "./exempt-routes.ts";
import type { RequestOrigin } from "./input.ts";
import { refusalOverHttp } from "./refusals.ts";
import { whileTaken } from "./while-taken.ts";

type Serve = (request: Request, caller: RequestOrigin) => Response | Promise<Response>;

/** The gate, then what it guards. `target`: as it stood on the wire. */
export function guarded(
  routes: ExemptRoutes,
  serve: Serve,
): (request: Request, caller: RequestOrigin, target: string) => Response | Promise<Response> {
  /** Whoever calls where no token is asked for has nothing else to show either, and no part of the budget. */
  const exemptOf = (
    request: Request,
    caller: RequestOrigin,
    target: string,
  ): Exemptions | undefined =>
    caller.isPublicListener ? everything : routes.of(request.method, target);
  return (request, caller, target) => {
    if (admitAtOnce(caller.app, caller.isAuthenticated)) return serve(request, caller);
    const { budget } = caller.app.policies;
    const exempt = exemptOf(request, caller, target);
    const bytes = budget ? Number(request.headers.get("content-length") ?? 0) || 0 : 0;
    const isStream = budget !== undefined && request.headers.has("transfer-encoding");
    const admitted = admit(new HttpArrival(request, caller), { exempt, bytes, isStream });
    const proceed = (admission: Admission): Response | Promise<Response> => {
      if (typeof admission !== "function") return respond(refusalOverHttp(admission), undefined);
      if (admission === nothingTaken) return serve(request, caller);
      return whileTaken(admission, () => serve(request, caller));
    };
    return admitted instanceof Promise ? admitted.then(proceed) : proceed(admitted);
  };
}

const everything: Exemptions = { token: true, budget: true };

/** Most calls are asked for nothing, so that neither headers nor the address are looked up before they are wanted. */
class HttpArrival implements Arrival {
  readonly app: App;
  readonly isAuthenticated: boolean | undefined;
  readonly #request: Request;
  readonly #caller: RequestOrigin;
  constructor(request: Request, caller: RequestOrigin) {
    this.app = caller.app;
    this.isAuthenticated = caller.isAuthenticated;
    this.#request = request;
    this.#caller = caller;
  }
  get remoteAddress(): string | undefined {
    return this.#caller.remoteAddress;
  }
  header(name: string): string | undefined {
    const { rawHeaders } = this.#caller;
    return rawHeaders
      ? joinedHeader(rawHeaders, name)
      : (this.#request.headers.get(name) ?? undefined);
  }
}
