import type { KubeClient } from "./client.ts";

/** Whose a service-account token is, and which pod it was made for, as the API server says. */
export interface ReviewedToken {
  /** `system:serviceaccount:shop:default`. */
  readonly username: string;
  /** Of the username, where it is a service account's. */
  readonly namespace?: string;
  readonly serviceAccount?: string;
  /** Of tokens that are bound to a pod (projected ones are). */
  readonly podName?: string;
  readonly podUid?: string;
  /** Kubernetes 1.30 and later. */
  readonly nodeName?: string;
  /** Those of the asked ones that the token is for. */
  readonly audiences: readonly string[];
}
export interface TokenReviewOptions {
  /** The token must be for one of them. */
  readonly audiences: readonly string[];
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}
interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly user?: {
      readonly username?: string;
      readonly extra?: Readonly<Record<string, readonly string[] | undefined>>;
    };
  };
}
/** Longer than any token that Kubernetes makes. */
const mostCharacters = 16_384;

/** Asks the API server; `undefined` for a token that is not good, or for others. Rejects with a `KubeError` where it could not ask. */
export async function reviewToken(
  client: KubeClient,
  token: string,
  { audiences, signal, timeoutMs = 5000 }: TokenReviewOptions,
): Promise<ReviewedToken | undefined> {
  if (audiences.length === 0) throw new Error("a token is reviewed for at least one audience");
  // What is none is not worth a request.
  if (token.length > mostCharacters || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const { status } = await client.request<TokenReview>(
    "POST",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    {
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences },
      },
      maxBytes: 1024 * 1024,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  if (status?.authenticated !== true) return undefined;
  // An authenticator that knows no audiences names none: then nobody checked them.
  const shared = (status.audiences ?? []).filter((each) => audiences.includes(each));
  const { username, extra } = status.user ?? {};
  if (shared.length === 0 || typeof username !== "string") return undefined;
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const only = (name: string): string | undefined => {
    const values = extra?.[`authentication.kubernetes.io/${name}`];
    return values?.length === 1 ? values[0] : undefined;
  };
  const podName = only("pod-name");
  const podUid = only("pod-uid");
  const nodeName = only("node-name");
  return {
    username,
    audiences: shared,
    ...(account === null
      ? {}
      : { namespace: account[1] as string, serviceAccount: account[2] as string }),
    ...(podName === undefined ? {} : { podName }),
    ...(podUid === undefined ? {} : { podUid }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}
