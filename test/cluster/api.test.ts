import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClusterAccess, findAccess, fixedAccess } from "#k8s/api/access.ts";
import { apply } from "#k8s/api/apply.ts";
import { inClusterAccess } from "#k8s/api/credentials.ts";
import { createEventWriter } from "#k8s/api/events.ts";
import { type ListWatch, listWatch } from "#k8s/api/list-watch.ts";
import type { KubeObject, ObjectMeta } from "#k8s/api/objects.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { reviewToken } from "#k8s/api/token-review.ts";
import { clock } from "#targets/node/clock.ts";
import { logKeeper } from "#test/k8s/api/support.ts";
import { eventually } from "#test/support/eventually.ts";
import { describeCluster } from "../../scripts/cluster/describe.ts";

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
interface Named {
  readonly kind: string;
  readonly metadata: ObjectMeta;
}
const maps = "/api/v1/namespaces/default/configmaps";

// Without its cache, an API server asks etcd for the past, which can be made to forget it.
await describeCluster(
  "our client and a real API server",
  { mode: "control", apiServerFlags: ["--watch-cache=false"] },
  (cluster) => {
    let client: KubeClient;
    const stop = new AbortController();
    const folder = mkdtempSync(join(tmpdir(), "outrigger-"));
    beforeAll(async () => {
      client = openClient(await findAccess({ kubeconfig: cluster().kubeconfig, env: {} }));
    });
    afterAll(async () => {
      stop.abort();
      await client[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });
    const put = (name: string, value: string): Promise<ConfigMap> =>
      apply<ConfigMap>(
        client,
        { apiVersion: "v1", plural: "configmaps" },
        {
          kind: "ConfigMap",
          metadata: { namespace: "default", name, labels: { of: "api" } },
          data: { value },
        } as Named,
        { fieldManager: "test" },
      );
    const remove = (name: string): Promise<unknown> => client.request("DELETE", `${maps}/${name}`);
    const token = async (account: string, more: object = {}): Promise<string> => {
      const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
      const { status } = await client.request<{ status: { token: string } }>("POST", path, {
        body: { spec: { expirationSeconds: 600, ...more } },
      });
      return status.token;
    };
    const as = (text: string): KubeClient =>
      openClient(
        fixedAccess(cluster().server, { ca: readFileSync(cluster().caFile, "utf8"), token: text }),
      );

    describe("list and watch", () => {
      const told: string[] = [];
      const log = logKeeper();
      let held: ListWatch<string>;
      const valueOf = (name: string): string | undefined => held.items.get(`default/${name}`);
      it("follows what changes", async () => {
        await put("a", "1");
        held = listWatch<ConfigMap, string>(
          client,
          {
            path: "/api/v1/configmaps",
            labelSelector: "of=api",
            keep: ({ data }) => data?.["value"],
          },
          { put: (value) => told.push(`+${value}`), remove: (value) => told.push(`-${value}`) },
          { log, clock, signal: stop.signal },
        );
        await held.synced;
        await put("b", "2");
        await put("a", "3");
        await remove("b");
        await eventually(() => told.at(-1) === "-2");
        expect(told).toEqual(["+1", "+2", "+3", "-2"]);
        expect(held.isCurrent()).toBe(true);
      });
      it("goes on when the API server was killed and is back", async () => {
        await cluster().stopApiServer();
        await eventually(() => !held.isCurrent());
        expect(valueOf("a")).toBe("3");
        await cluster().startApiServer();
        await put("c", "4");
        await eventually(() => valueOf("c") === "4", { withinMs: 40_000 });
        expect(held.isCurrent()).toBe(true);
        expect(log.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
        expect(log.lines.at(-1)).toMatch(/^info: .* is watched again$/);
      });
      it("tells the difference when the past is forgotten: a real 410", async () => {
        const [remade, behind] = [await put("remade", "5"), await gate(cluster().server)];
        await using own = openClient(
          fixedAccess(behind.url, {
            ca: readFileSync(cluster().caFile, "utf8"),
            token: cluster().adminToken,
          }),
        );
        const seen: string[] = [];
        using late = listWatch<ConfigMap, string>(
          own,
          { path: maps, labelSelector: "of=api", keep: ({ data }) => data?.["value"] },
          { put: (value) => seen.push(`+${value}`), remove: (value) => seen.push(`-${value}`) },
          { log: logKeeper(), clock, signal: stop.signal },
        );
        await late.synced;
        expect(seen.toSorted()).toEqual(["+3", "+4", "+5"]);
        seen.length = 0;
        behind.close();
        await eventually(() => !late.isCurrent());
        await put("a", "6");
        await remove("c");
        await remove("remade");
        expect((await put("remade", "7")).metadata.uid).not.toBe(remade.metadata.uid);
        await cluster().compactHistory();
        behind.open();
        await eventually(() => late.isCurrent() && seen.length === 4, { withinMs: 40_000 });
        expect(seen.slice(0, 2).toSorted()).toEqual(["-4", "-5"]);
        expect(seen.slice(2).toSorted()).toEqual(["+6", "+7"]);
      });
    });

    describe("what is written", () => {
      it("Events, of which Kubernetes takes the longest and the oddest", async () => {
        const log = logKeeper();
        const events = createEventWriter(client, {
          component: "outrigger-node",
          instance: "n1",
          log,
          clock,
        });
        const about = { apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "a" };
        events.emit(about, "Warning", "InitFailed", "ü".repeat(3000));
        events.emit({ ...about, namespace: "default", name: "Odd:Name" }, "Normal", "Ready", "m");
        events.emit({ apiVersion: "v1", kind: "Node", name: "n1" }, "Normal", "Ready", "m");
        events.emit({ ...about, namespace: "nowhere" }, "Normal", "Ready", "m");
        await events[Symbol.asyncDispose]();
        const { items } = await client.request<{
          items: readonly { reportingComponent: string }[];
        }>("GET", "/api/v1/namespaces/default/events");
        const ours = items.filter((each) => each.reportingComponent === "outrigger-node");
        expect(ours).toHaveLength(3);
        expect(log.lines).toHaveLength(1);
        expect(log.lines[0]).toMatch(/namespaces "nowhere" not found/);
      });
      it("the status of a Component, in which each node has its own part", async () => {
        await cluster().kubectl(["apply", "--server-side", "-f", "k8s/crds/components.yaml"]);
        await cluster().kubectl(["wait", "--for=condition=Established", "crd/components.dapr.io"]);
        const components = { apiVersion: "dapr.io/v1alpha1", plural: "components" };
        const object = { kind: "Component", metadata: { namespace: "default", name: "pubsub" } };
        const status = (node: string, nodes: readonly object[]): Promise<{ status?: object }> =>
          apply<KubeObject & { status?: object }>(
            client,
            components,
            { ...object, status: { nodes } } as Named,
            { fieldManager: `outrigger-${node}`, subresource: "status" },
          );
        await expect(status("n1", [])).rejects.toMatchObject({ code: 404 });
        const spec = { type: "pubsub.in-memory", version: "v1", metadata: [] };
        await apply(client, components, { ...object, spec } as Named, { fieldManager: "user" });
        const [one, two] = ["n1", "n2"].map((node) => ({
          node,
          ready: node === "n1",
          reason: "Test",
          message: "m",
          since: "2026-01-01T00:00:00Z",
        }));
        await status("n1", [one as object]);
        expect((await status("n2", [two as object])).status).toEqual({ nodes: [one, two] });
        expect((await status("n1", [])).status).toEqual({ nodes: [two] });
      });
    });

    describe("who we are", () => {
      it("a token of a service account may what was granted, and is told what is missing", async () => {
        await using unknown = as(await token("default"));
        const log = logKeeper();
        using held = listWatch<KubeObject, string>(
          unknown,
          { path: maps, keep: ({ metadata }) => metadata.name },
          { put: () => {}, remove: () => {} },
          {
            log,
            signal: stop.signal,
            clock: { ...clock, sleep: (_ms, options) => clock.sleep(200, options) },
          },
        );
        await eventually(() => log.lines.length > 0);
        expect(log.lines[0]).toMatch(
          /list and watch are not granted.*User "system:serviceaccount:default:default" cannot list resource "configmaps"/,
        );
        await cluster().apply([
          {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "Role",
            metadata: { namespace: "default", name: "reader" },
            rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }],
          },
          {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "RoleBinding",
            metadata: { namespace: "default", name: "reader" },
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
            subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
          },
        ]);
        await held.synced;
        await expect(unknown.request("GET", `${maps}/a`)).rejects.toMatchObject({ code: 403 });
      });
      it("a token file that is renewed is read again", async () => {
        writeFileSync(join(folder, "token"), "no.such.token");
        writeFileSync(join(folder, "ca.crt"), readFileSync(cluster().caFile));
        const access = await inClusterAccess({
          env: {
            KUBERNETES_SERVICE_HOST: "127.0.0.1",
            KUBERNETES_SERVICE_PORT: new URL(cluster().server).port,
          },
          folder,
        });
        await using pod = openClient(access);
        await expect(pod.request("GET", maps)).rejects.toMatchObject({ code: 401 });
        writeFileSync(join(folder, "token"), await token("default"));
        await pod.request("GET", maps);
      });
      it("a plugin and a client certificate are taken", async () => {
        const plugin = join(folder, "plugin");
        const status = { token: cluster().adminToken };
        const answer = {
          kind: "ExecCredential",
          apiVersion: "client.authentication.k8s.io/v1",
          status,
        };
        writeFileSync(plugin, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
        const ca = `${cluster().folder}/pki/ca`;
        const openssl = (...args: string[]): Buffer =>
          execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
        openssl(
          "req",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-keyout",
          "jane.key",
          "-out",
          "jane.csr",
          "-subj",
          "/O=system:masters/CN=jane",
        );
        openssl(
          "x509",
          "-req",
          "-in",
          "jane.csr",
          "-CA",
          `${ca}.crt`,
          "-CAkey",
          `${ca}.key`,
          "-CAcreateserial",
          "-out",
          "jane.crt",
          "-days",
          "1",
        );
        for (const [name, user] of [
          ["plugin", `exec: {command: ./plugin, apiVersion: client.authentication.k8s.io/v1}`],
          ["certificate", "client-certificate: jane.crt, client-key: jane.key"],
        ]) {
          const kubeconfig = join(folder, `${name}.kubeconfig`);
          writeFileSync(
            kubeconfig,
            `clusters: [{name: c, cluster: {server: "${cluster().server}", certificate-authority: "${cluster().caFile}"}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x`,
          );
          const access: ClusterAccess = await findAccess({
            kubeconfig,
            env: { PATH: process.env["PATH"] },
          });
          await using own = openClient(access);
          const review = await own.request<{ status: { userInfo: { username: string } } }>(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            { body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" } },
          );
          expect(review.status.userInfo.username).toBe(name === "plugin" ? "admin" : "jane");
        }
      });
      it("a token is reviewed with the pod that it was made for", async () => {
        const pod = await client.request<KubeObject>("POST", "/api/v1/namespaces/default/pods", {
          body: { metadata: { name: "cart-0" }, spec: { containers: [{ name: "a", image: "a" }] } },
        });
        const text = await token("default", {
          audiences: ["outrigger"],
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "cart-0", uid: pod.metadata.uid },
        });
        expect(await reviewToken(client, text, { audiences: ["outrigger"] })).toMatchObject({
          namespace: "default",
          serviceAccount: "default",
          podName: "cart-0",
          podUid: pod.metadata.uid,
        });
        expect(await reviewToken(client, text, { audiences: ["other"] })).toBeUndefined();
        expect(
          await reviewToken(client, `${text.slice(0, -6)}AAAAAA`, { audiences: ["outrigger"] }),
        ).toBeUndefined();
        await client.request(
          "DELETE",
          "/api/v1/namespaces/default/pods/cart-0?gracePeriodSeconds=0",
        );
        // The API server remembers for 10 s whom it has let in.
        await eventually(
          async () => (await reviewToken(client, text, { audiences: ["outrigger"] })) === undefined,
          { withinMs: 20_000 },
        );
      });
    });
  },
);

/** A way to the API server that can be closed. */
async function gate(
  server: string,
): Promise<{ readonly url: string; close(): void; open(): void }> {
  let isOpen = true;
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    if (!isOpen) {
      near.destroy();
      return;
    }
    const far = connect(Number(new URL(server).port), new URL(server).hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          near.destroy();
          far.destroy();
        });
    }
    near.pipe(far).pipe(near);
  }).unref();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    close: () => {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
    },
    open: () => {
      isOpen = true;
    },
  };
}
