import { execFile, execFileSync } from "node:child_process";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { mostHelloBytes, serverNameIn } from "#targets/kubernetes/client-hello.ts";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { clientHello, firstBytes, inRecords, serverNames } from "#test/support/client-hello.ts";

const name = serverNameOf({ appId: "cart", namespace: "shop" });
const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
})();
const quiet = { rejectUnauthorized: false } as const;

const clients: Readonly<Record<string, (port: number) => void>> = {
  "node, TLS 1.3": (port) =>
    connectTls({ ...quiet, port, host: "127.0.0.1", servername: name }).on("error", () => {}),
  "node, TLS 1.2 only": (port) =>
    connectTls({
      ...quiet,
      port,
      host: "127.0.0.1",
      servername: name,
      maxVersion: "TLSv1.2",
      ALPNProtocols: ["h2"],
    }).on("error", () => {}),
  "node's http2": (port) =>
    connectHttp2(`https://127.0.0.1:${port}`, { ...quiet, servername: name }).on("error", () => {}),
};
const openssl =
  (...more: readonly string[]) =>
  (port: number): void => {
    execFile(
      "openssl",
      ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", name, ...more],
      () => {},
    ).stdin?.end();
  };
const opensslClients: typeof clients = {
  "openssl, TLS 1.3": openssl("-tls1_3"),
  "openssl, TLS 1.2": openssl("-tls1_2"),
  "openssl, many groups and ALPN": openssl("-alpn", "h2,http/1.1"),
};

describe.each(Object.keys({ ...clients, ...opensslClients }))("a ClientHello of %s", (client) => {
  let hello: Buffer;
  beforeAll(async () => {
    const start = clients[client] ?? opensslClients[client];
    if (client in clients || hasOpenssl) hello = await firstBytes(start as () => void);
  });
  it.skipIf(!(client in clients) && !hasOpenssl)(
    "gives its name once it is whole, however it is cut",
    () => {
      for (const bytes of [
        hello,
        inRecords(hello, 1),
        inRecords(hello, 3),
        inRecords(hello, 100),
      ]) {
        for (let at = 0; at < bytes.length; at++)
          expect(serverNameIn(bytes.subarray(0, at)), `${at} of ${bytes.length}`).toBe("more");
        expect(serverNameIn(bytes)).toEqual({ name });
        expect(serverNameIn(Buffer.concat([bytes, Buffer.from("more to come")]))).toEqual({ name });
      }
    },
  );
});

describe("what is not a ClientHello with one name", () => {
  it("a client that names nobody", async () => {
    const hello = await firstBytes((port) =>
      connectTls({ ...quiet, port, host: "127.0.0.1", servername: "" }).on("error", () => {}),
    );
    expect(serverNameIn(hello)).toBe("none");
  });
  it("plain HTTP/2, at its first byte", async () => {
    const bytes = await firstBytes((port) => {
      const socket = connect(port, "127.0.0.1", () => socket.write("PRI * HTTP/2.0\r\n\r\n"));
      socket.on("error", () => {});
    });
    expect(serverNameIn(bytes.subarray(0, 1))).toBe("none");
  });
  const sni = serverNames("cart.shop.outrigger");
  const cases: Readonly<Record<string, Uint8Array>> = {
    "an alert": Buffer.from([21, 3, 1, 0, 2, 2, 40]),
    "SSL 2": Buffer.from([0x80, 0x2e, 1, 3, 1]),
    "another major version": Buffer.from([22, 2, 0, 0, 5]),
    "an empty record": Buffer.from([22, 3, 1, 0, 0]),
    "a record that is too long": Buffer.from([22, 3, 1, 0x40, 1]),
    "a ServerHello": clientHello({ messageType: 2, extensions: [[0, sni]] }),
    "no extensions": clientHello({}),
    "other extensions only": clientHello({ extensions: [[16, Buffer.from([0, 3, 2, 104, 50])]] }),
    "two extensions of names": clientHello({
      extensions: [
        [0, sni],
        [0, serverNames("other")],
      ],
    }),
    "an extension twice": clientHello({
      extensions: [
        [0, sni],
        [5, sni],
        [5, sni],
      ],
    }),
    "two names": clientHello({ extensions: [[0, serverNames("cart.shop.outrigger", "other")]] }),
    "no name in the list": clientHello({ extensions: [[0, serverNames()]] }),
    "an empty extension": clientHello({ extensions: [[0, Buffer.alloc(0)]] }),
    "an empty name": clientHello({ extensions: [[0, serverNames("")]] }),
    "a name with a zero": clientHello({ extensions: [[0, serverNames("cart\0.shop")]] }),
    "a name that is not ASCII": clientHello({ extensions: [[0, serverNames("çart.shop")]] }),
    "a name with a slash": clientHello({ extensions: [[0, serverNames("cart/../x")]] }),
    "a name with an empty label": clientHello({ extensions: [[0, serverNames("cart..shop")]] }),
    "a name with a dot at its end": clientHello({ extensions: [[0, serverNames("cart.shop.")]] }),
    "a name of 256 characters": clientHello({ extensions: [[0, serverNames("a".repeat(256))]] }),
    "a name of another type": clientHello({
      extensions: [[0, Buffer.from([0, 4, 1, 0, 1, 97])]],
    }),
    "a list that is longer than its extension": clientHello({
      extensions: [[0, Buffer.from([0, 9, 0, 0, 1, 97])]],
    }),
    "a name that is longer than its list": clientHello({
      extensions: [[0, Buffer.from([0, 4, 0, 0, 9, 97])]],
    }),
    "bytes after the list": clientHello({ extensions: [[0, Buffer.concat([sni, Buffer.of(1)])]] }),
    "bytes after the extensions": clientHello({ extensions: [[0, sni]], rest: Buffer.of(0) }),
    "a message that is longer than we read": inRecords(
      clientHello({
        extensions: [
          [21, Buffer.alloc(mostHelloBytes)],
          [0, sni],
        ],
      }),
      4000,
    ),
    "a message that says it is 16 MiB": Buffer.from([22, 3, 1, 0, 4, 1, 255, 255, 255]),
  };
  it.each(Object.keys(cases))("%s", (what) => {
    expect(serverNameIn(cases[what] as Uint8Array)).toBe("none");
  });
  it("a length that is cut short within the message", () => {
    const hello = clientHello({ extensions: [[0, sni]] });
    // The length of the extensions: six bytes and the SNI's own before the end.
    const at = hello.length - sni.length - 6;
    for (const change of [-1, 1, 100]) {
      const wrong = Buffer.from(hello);
      wrong.writeUInt16BE(wrong.readUInt16BE(at) + change, at);
      expect(serverNameIn(wrong)).toBe("none");
    }
  });
});

describe("a name", () => {
  it("is given in lower case", () => {
    const hello = clientHello({ extensions: [[0, serverNames("Cart.Shop.Outrigger")]] });
    expect(serverNameIn(hello)).toEqual({ name: "cart.shop.outrigger" });
  });
  it("of nothing yet is still to come", () => {
    expect(serverNameIn(Buffer.alloc(0))).toBe("more");
  });
});
