import { messageOf } from "#core/errors/component-error.ts";
import type { Clock } from "#core/ports/platform.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";
import { readSecret } from "#k8s/api/secrets.ts";
import { reviewToken } from "#k8s/api/token-review.ts";
import { isNamespace, isObjectName } from "#k8s/identity/service-account.ts";
import { isAppId } from "#k8s/pods/app-id.ts";
import type { Answers, AskError, Questions } from "../messages.ts";
import type { AppNodes } from "./app-nodes.ts";

export interface ClusterQuestionDeps {
  readonly client: KubeClient;
  readonly nodes: AppNodes;
  readonly tokenAudience: string;
  readonly clock: Pick<Clock, "now">;
}
export interface AskingGroup {
  readonly name: string;
  readonly namespaces: ReadonlySet<string>;
}
export type ClusterAnswer = { readonly value?: unknown } | { readonly error: AskError };

const secretMs = 5000;

/** Answers what the groups ask of the cluster: each only for the namespaces of its own pods. */
export function createClusterQuestions(deps: ClusterQuestionDeps): {
  answer(
    asker: AskingGroup,
    question: keyof Questions,
    about: Questions[keyof Questions],
  ): Promise<ClusterAnswer>;
} {
  const { client, nodes, clock } = deps;
  let keys: { readonly value: Answers["jwks"]; readonly at: number } | undefined;

  async function secret(
    asker: AskingGroup,
    { namespace, name }: Questions["secret"],
  ): Promise<Answers["secret"]> {
    if (!asker.namespaces.has(namespace))
      throw new KubeError(`secrets of namespace "${namespace}" do not belong to this group`, {
        code: 403,
        reason: "Forbidden",
      });
    // It stands in a path, where anything else could name something else.
    if (typeof name !== "string" || !isObjectName(name)) return undefined;
    // Not kept: the group alone has it.
    return readSecret(client, namespace, name, { timeoutMs: secretMs });
  }
  /** Apps of other namespaces may be called, so that their nodes may be asked for. */
  async function resolve({ namespace, appId }: Questions["resolve"]): Promise<Answers["resolve"]> {
    const isRight = typeof appId === "string" && typeof namespace === "string";
    // A label's value and a part of a path; no app has any other.
    if (!isRight || !isAppId(appId) || !isNamespace(namespace)) return [];
    return nodes.find({ namespace, appId });
  }
  async function jwks(): Promise<Answers["jwks"]> {
    if (keys && clock.now() - keys.at < 1000) return keys.value;
    try {
      const [set, about] = await Promise.all([
        client.request<{ readonly keys?: readonly object[] }>("GET", "/openid/v1/jwks"),
        client.request<{ readonly issuer?: string }>("GET", "/.well-known/openid-configuration"),
      ]);
      keys = { value: { keys: set.keys ?? [], issuer: about.issuer ?? "" }, at: clock.now() };
    } catch (reason) {
      // A group that has just begun must not need the API server for what is known here.
      if (!keys) throw reason;
    }
    return keys.value;
  }
  async function review({ token }: Questions["review"]): Promise<Answers["review"]> {
    if (typeof token !== "string" || token === "") throw senseless("review");
    const audiences = [deps.tokenAudience];
    return { isGood: (await reviewToken(client, token, { audiences })) !== undefined };
  }
  async function find(
    asker: AskingGroup,
    question: keyof Questions,
    about: Questions[keyof Questions],
  ): Promise<unknown> {
    if (typeof about !== "object" || about === null) throw senseless(String(question));
    switch (question) {
      case "secret":
        return secret(asker, about as Questions["secret"]);
      case "resolve":
        return resolve(about as Questions["resolve"]);
      case "jwks":
        return jwks();
      case "review":
        return review(about as Questions["review"]);
      default:
        throw senseless(String(question));
    }
  }
  return {
    answer: async (asker, question, about) => {
      try {
        return { value: await find(asker, question, about) };
      } catch (reason) {
        const code = reason instanceof KubeError ? reason.code : 0;
        return { error: { code, message: messageOf(reason) } };
      }
    },
  };
}

function senseless(question: string): KubeError {
  const about = `question "${question.slice(0, 40)}" makes no sense`;
  return new KubeError(about, { code: 400, reason: "BadRequest" });
}
