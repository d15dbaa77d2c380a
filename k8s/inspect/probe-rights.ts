import type { Cluster } from "./cluster.ts";
import { count, type Finding, ok, problem, some, unknown } from "./finding.ts";
import { names } from "./cluster.ts";
import { type Asking, reading, valueOr } from "./read.ts";

const check = "rights.secrets";
/** Each Secret is a question to the API server. */
const most = 300;

/** Asks whether the runtime may read the Secrets that pods, and components of namespaces with apps, refer to. */
export async function probeRights(asking: Asking, cluster: Cluster): Promise<Finding> {
  const apps = valueOr(cluster.pods, []);
  const hosted = new Set(apps.map(({ namespace }) => namespace));
  const components = valueOr(cluster.components, []).filter(({ namespace }) =>
    hosted.has(namespace),
  );
  const wanted = new Map(
    [...apps, ...components].flatMap(({ namespace, secrets }) =>
      secrets.map((name) => [`${namespace}/${name}`, { namespace, name }] as const),
    ),
  );
  const missing: string[] = [];
  for (const [path, secret] of [...wanted].slice(0, most)) {
    const answer = await mayRead(asking, cluster.namespace, secret);
    if (typeof answer === "string") return unknown(check, answer);
    if (!answer) missing.push(path);
  }
  if (missing.length > 0)
    return problem(
      check,
      `the runtime cannot read ${count(missing.length, "Secret")} that resources refer to: ${some(missing.sort())}`,
      "add the namespaces to secrets.namespaces of the chart (it makes a RoleBinding in each)",
    );
  return ok(
    check,
    wanted.size === 0
      ? "no resource refers to a Secret"
      : `the runtime can read the ${count(wanted.size, "Secret")} that resources refer to`,
  );
}

interface Review {
  readonly status?: { readonly allowed?: boolean };
}
/** A text: why nobody could tell. */
async function mayRead(
  { client, signal }: Asking,
  controlPlane: string,
  secret: { readonly namespace: string; readonly name: string },
): Promise<boolean | string> {
  const answer = await reading<Review>(
    client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      signal,
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: `system:serviceaccount:${controlPlane}:${names.node}`,
          groups: [
            "system:serviceaccounts",
            `system:serviceaccounts:${controlPlane}`,
            "system:authenticated",
          ],
          resourceAttributes: { ...secret, verb: "get", version: "v1", resource: "secrets" },
        },
      },
    }),
    signal,
  );
  if (answer.is === "unknown") return answer.why;
  return answer.is === "there" && answer.value.status?.allowed === true;
}
