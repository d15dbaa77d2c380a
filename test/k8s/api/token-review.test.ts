import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeClient } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { reviewToken } from "#k8s/api/token-review.ts";
import { kubeApi, type KubeApiDouble, type TokenReviewStatus } from "#test/doubles/kube-api.ts";

const token = "aaa.bbb.ccc";
const user = {
  username: "system:serviceaccount:shop:cart",
  extra: {
    "authentication.kubernetes.io/pod-name": ["cart-0"],
    "authentication.kubernetes.io/pod-uid": ["uid-1"],
    "authentication.kubernetes.io/node-name": ["n1"],
  },
};

let api: KubeApiDouble;
let client: KubeClient;
beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});
const review = (status: unknown, text = token): ReturnType<typeof reviewToken> => {
  api.onTokenReview = () => status as TokenReviewStatus;
  return reviewToken(client, text, { audiences: ["outrigger"] });
};

describe("a token is reviewed by the API server", () => {
  it("says whose it is and which pod's", async () => {
    expect(await review({ authenticated: true, user, audiences: ["outrigger", "x"] })).toEqual({
      username: "system:serviceaccount:shop:cart",
      namespace: "shop",
      serviceAccount: "cart",
      podName: "cart-0",
      podUid: "uid-1",
      nodeName: "n1",
      audiences: ["outrigger"],
    });
    expect(api.requests[0]?.body).toMatchObject({
      kind: "TokenReview",
      spec: { token, audiences: ["outrigger"] },
    });
  });
  it("one of no service account, or bound to no pod, says less", async () => {
    const bare = { authenticated: true, user: { username: "jane" }, audiences: ["outrigger"] };
    expect(await review(bare)).toEqual({ username: "jane", audiences: ["outrigger"] });
  });
  for (const [name, status] of [
    ["not authenticated", { authenticated: false, error: "expired" }],
    ["no status", undefined],
    ["for somebody else", { authenticated: true, user, audiences: ["https://kubernetes"] }],
    ["audiences not checked", { authenticated: true, user }],
    ["no user", { authenticated: true, audiences: ["outrigger"] }],
  ] as const)
    it(`${name}: is not good`, async () => {
      expect(await review(status)).toBeUndefined();
    });
  for (const text of ["", "abc", "a.b", "a.b.c.d", "a.b.c\n", `a.b.${"c".repeat(20_000)}`])
    it(`what is not a token is not asked about: ${JSON.stringify(text.slice(0, 10))}`, async () => {
      expect(
        await review({ authenticated: true, user, audiences: ["outrigger"] }, text),
      ).toBeUndefined();
      expect(api.requests).toEqual([]);
    });
  it("where the server cannot be asked, that is an error and no verdict; nothing shows the token", async () => {
    api.fail({ status: 500 });
    const failed = await review({}).catch((reason: unknown) => reason as Error);
    expect(failed).toMatchObject({ code: 500 });
    expect(String((failed as Error).message)).not.toMatch(/bbb/);
    await expect(reviewToken(client, token, { audiences: [] })).rejects.toThrow(/audience/);
  });
});
