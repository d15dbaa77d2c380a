import fc from "fast-check";
import { mostHelloBytes, serverNameIn } from "#targets/kubernetes/client-hello.ts";
import { appOfServerName, serverNameOf } from "#targets/node/peers/server-name.ts";
import { clientHello, inRecords, serverNames } from "#test/support/client-hello.ts";
import { bytes, promise, target, type FuzzTarget, texts } from "../target.ts";

const name = "cart.shop.outrigger";
const alpn = Buffer.from([0, 3, 2, 104, 50]);
const hellos = [
  clientHello({ extensions: [[0, serverNames(name)]] }),
  clientHello({
    extensions: [
      [16, alpn],
      [0, serverNames(name)],
      [51, Buffer.alloc(1200, 3)],
    ],
  }),
  clientHello({ extensions: [[16, alpn]] }),
  clientHello({ extensions: [[0, serverNames(name, "other")]] }),
];
const split = hellos.flatMap((hello) => [inRecords(hello, 1), inRecords(hello, 7)]);

export const helloTargets: readonly FuzzTarget[] = [
  target({
    name: "client-hellos",
    inputs: fc.tuple(
      bytes(...hellos, ...split, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    run: ([input, share]) => {
      const found = serverNameIn(input);
      if (typeof found === "object")
        promise(/^[\w.-]{1,255}$/.test(found.name), `a name that can be one, not ${found.name}`);
      // What a beginning says holds for the whole, whatever comes after.
      const beginning = serverNameIn(input.subarray(0, Math.floor(share * input.length)));
      promise(
        beginning === "more" || JSON.stringify(beginning) === JSON.stringify(found),
        `${JSON.stringify(beginning)} of a beginning of ${JSON.stringify(found)}`,
      );
      if (found === "more") {
        const endless = Buffer.alloc(mostHelloBytes + 1);
        endless.set(input.subarray(0, endless.length));
        promise(serverNameIn(endless) !== "more", "an end to reading on");
      }
    },
  }),
  target({
    name: "server-names",
    inputs: texts(
      name,
      "x--mexge.shop.outrigger",
      "y--mexge.x--aa.shop.outrigger",
      "z--aa.outrigger",
    ),
    run: (text) => {
      const app = appOfServerName(text);
      promise(!app || serverNameOf(app) === text, "one spelling for each app");
      promise(serverNameOf({ appId: text, namespace: text }).length <= 253, "a name that fits");
    },
  }),
];
