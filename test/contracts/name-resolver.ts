import { afterEach, expect, test } from "vitest";
import type { NameResolver } from "#core/ports/name-resolver.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { eventually } from "#test/support/eventually.ts";

export interface NameResolverSubject {
  /** Each time another process's, all of which may find each other. */
  readonly open: () => Promise<NameResolver>;
  /** Where an app is found that nobody announces; absent: it is found once it has been announced. */
  readonly fixed?: (app: AppRef) => string;
  /** Takes apps of one id for one, whatever their namespace: on one host nobody depends on NAMESPACE. */
  readonly ignoresNamespaces?: true;
}
const options = { signal: new AbortController().signal };

/** What every name resolver promises, however it finds apps. */
export function nameResolverContract({
  open,
  fixed,
  ignoresNamespaces,
}: NameResolverSubject): void {
  const opened: NameResolver[] = [];
  const one = async (): Promise<NameResolver> => {
    const resolver = await open();
    opened.push(resolver);
    return resolver;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
  });
  const app = (): AppRef => ({ appId: `app-${crypto.randomUUID()}`, namespace: "shop" });
  const found = (resolver: NameResolver, of: AppRef): Promise<string | undefined> =>
    resolver.resolve(of, options).catch(() => undefined);

  if (fixed)
    test("resolve says where apps are that it was told of", async () => {
      const resolver = await one();
      const of = { appId: "cart", namespace: "shop" };
      await resolver.announce({ ...of, host: "127.0.0.1", port: 1 });
      expect(await resolver.resolve(of, options)).toBe(fixed?.(of));
    });
  if (!fixed)
    test("resolve finds what another process has announced", async () => {
      const [here, there] = [await one(), await one()];
      const of = app();
      await there.announce({ ...of, host: "127.0.0.1", port: 4711 });
      expect(await eventually(() => found(here, of))).toBe("127.0.0.1:4711");
    });
  if (!fixed)
    test("resolve finds nothing more of a process that has ended", async () => {
      const [here, there] = [await one(), await one()];
      const of = app();
      await there.announce({ ...of, host: "127.0.0.1", port: 4711 });
      await eventually(() => found(here, of));
      await there[Symbol.asyncDispose]();
      // A resolver may look for as long as 10 s before it gives up.
      await eventually(async () => (await found(here, of)) === undefined, { withinMs: 15_000 });
    });
  if (!fixed)
    test("resolve writes an IPv6 address in brackets", async () => {
      const [here, there] = [await one(), await one()];
      const of = app();
      await there.announce({ ...of, host: "::1", port: 4711 });
      expect(await eventually(() => found(here, of))).toBe("[::1]:4711");
    });
  if (!fixed)
    test("resolve names each of several in turn", async () => {
      const [here, first, second] = [await one(), await one(), await one()];
      const of = app();
      await first.announce({ ...of, host: "127.0.0.1", port: 4711 });
      await second.announce({ ...of, host: "127.0.0.1", port: 4712 });
      const seen = new Set<string>();
      await eventually(async () => {
        const at = await found(here, of);
        if (at !== undefined) seen.add(at);
        return seen.size === 2;
      });
      expect(seen).toEqual(new Set(["127.0.0.1:4711", "127.0.0.1:4712"]));
    });
  if (!fixed)
    test("resolve rejects for an app that nobody hosts, in words for the caller", async () => {
      const resolver = await one();
      const { appId, namespace } = app();
      await expect(resolver.resolve({ appId, namespace }, options)).rejects.toThrow(/\w/);
    });
  if (!fixed && !ignoresNamespaces)
    test("apps of one id in two namespaces are two", async () => {
      const [here, there] = [await one(), await one()];
      const of = app();
      await there.announce({ ...of, namespace: "bank", host: "127.0.0.1", port: 4711 });
      expect(await eventually(() => found(here, { ...of, namespace: "bank" }))).toBeDefined();
      expect(await found(here, of)).toBeUndefined();
    });
  test("forget may be said of anything", async () => {
    const resolver = await one();
    resolver.forget?.(app(), "127.0.0.1:1");
    resolver.forget?.({ appId: "", namespace: "" }, "nonsense");
  });
  test("disposing twice is no harm", async () => {
    const resolver = await one();
    await resolver[Symbol.asyncDispose]();
  });
}
