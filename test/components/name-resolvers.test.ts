import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { names as kubernetes } from "#components/kubernetes-dns/manifest.ts";
import { names as mdns } from "#components/mdns/manifest.ts";
import { names as sqlite } from "#components/sqlite/manifest.ts";
import { names as fixed } from "#components/static-names/manifest.ts";
import { nameResolverContract } from "#test/contracts/name-resolver.ts";
import { openComponent } from "#test/support/host.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-names-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("nameresolution.mdns", () => {
  nameResolverContract({ open: () => openComponent(mdns), ignoresNamespaces: true });
});

describe("nameresolution.sqlite", () => {
  nameResolverContract({
    open: () => openComponent(sqlite, { connectionString: join(folder, "names.db") }),
    ignoresNamespaces: true,
  });
});

describe("nameresolution.static", () => {
  nameResolverContract({
    open: () => openComponent(fixed, { hosts: '{"cart": "10.0.0.5:50002"}' }),
    fixed: () => "10.0.0.5:50002",
  });
});

describe("nameresolution.kubernetes", () => {
  nameResolverContract({
    open: () => openComponent(kubernetes),
    fixed: ({ appId, namespace }) => `${appId}-dapr.${namespace}.svc.cluster.local:50002`,
  });
});
