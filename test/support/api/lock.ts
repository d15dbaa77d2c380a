import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

export interface LockRequest {
  readonly resourceId: string;
  readonly lockOwner: string;
}
/** Names of `UnlockResponse.Status`, in the order of their numbers. */
const statuses = ["SUCCESS", "LOCK_DOES_NOT_EXIST", "LOCK_BELONGS_TO_OTHERS"] as const;

export interface LockApi {
  tryLock(
    store: string,
    request: LockRequest & { readonly expiryInSeconds: number },
  ): Promise<boolean>;
  unlock(store: string, request: LockRequest): Promise<string>;
}

export function lockOverHttp(http: HttpWire): LockApi {
  return {
    tryLock: async (store, request) => {
      const answer = await http.post(`/v1.0-alpha1/lock/${store}`, request);
      return ((await answer.json()) as { readonly success: boolean }).success;
    },
    unlock: async (store, request) => {
      const answer = await http.post(`/v1.0-alpha1/unlock/${store}`, request);
      const { status } = (await answer.json()) as { readonly status: number };
      return statuses[status] ?? String(status);
    },
  };
}

export function lockOverGrpc(grpc: GrpcWire): LockApi {
  return {
    tryLock: async (storeName, request) => {
      const answer = await grpc.unary<{ readonly success?: boolean }>("TryLockAlpha1", {
        storeName,
        ...request,
      });
      return answer.success ?? false;
    },
    unlock: async (storeName, request) => {
      const answer = await grpc.unary<{ readonly status?: string }>("UnlockAlpha1", {
        storeName,
        ...request,
      });
      return answer.status ?? statuses[0];
    },
  };
}
