import { expect, it } from "vitest";
import { httpActorHost } from "#core/blocks/actors/http-host.ts";
import type { App } from "#core/kernel/app.ts";
import type { HeaderList } from "#core/ports/platform.ts";

const options = { signal: new AbortController().signal };

it("an HTTP app is not told the content type of a call over gRPC", async () => {
  const sent: HeaderList[] = [];
  const channel = {
    send: async ({ headers }: { readonly headers: HeaderList }) => {
      sent.push(headers);
      return { status: 200, headers: [] };
    },
  };
  const host = httpActorHost({} as App, channel);
  for (const name of ["content-type", "outrigger-grpc-content-type"])
    await host.invoke(
      { type: "t", id: "x" },
      { method: "m", query: "", headers: [name, "a/b", "x", "1"], body: undefined },
      options,
    );
  expect(sent).toEqual([
    ["content-type", "a/b", "x", "1"],
    ["x", "1"],
  ]);
});
