import { baggageFault } from "#core/tracing/baggage.ts";
import { parseOrigins } from "#core/access-control/origins.ts";
import { cleanMethod, cleanPath, decodePath, encodePath, hasBadEscape } from "#core/util/path.ts";
import { parseTraceBin, traceBin } from "#core/wire/grpc/trace-bin.ts";
import { parseSpiffeId, spiffeId } from "#core/identity/workload.ts";
import { createAddressGuard } from "#core/outbound/address-guard.ts";
import { mayUseTopic } from "#core/blocks/pubsub/scopes.ts";
import { likeMatcher } from "#components/_shared/like.ts";
import { isTraceparent, traceFrom } from "#core/tracing/trace-context.ts";
import { parseDuration } from "#core/util/duration.ts";
import { parseJson } from "#core/util/json.ts";
import { maxLabelLength } from "#core/telemetry/family.ts";
import { linearReplace } from "#core/util/linear-replace.ts";
import { parseQuantity } from "#core/util/quantity.ts";
import { parseArgs } from "#targets/cli/parse-args.ts";
import { daprdFlags } from "#targets/cli/daprd-flags.ts";
import { Cron } from "croner";
import fc from "fast-check";
import { promise, target, type FuzzTarget, texts } from "../target.ts";

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const guard = createAddressGuard({});

export const textTargets: readonly FuzzTarget[] = [
  target({
    name: "paths",
    inputs: texts("/v1.0/invoke/a/method/b", "/a/../b/./c//d", "/%2e%2e/%252f", "a%2fb?c#d"),
    run: (path) => {
      const clean = cleanPath(path);
      promise(cleanPath(clean) === clean, "cleaning twice is cleaning once");
      const method = cleanMethod(path);
      if (method === undefined) return;
      promise(cleanMethod(method) === method, "a clean method is clean");
      promise(!/(?:^|\/)\.\.(?:\/|$)/.test(method), "nothing climbs out");
      const sent = encodePath(method);
      promise(!/[\s?#]/.test(sent), "what is sent has no blank, query or fragment");
      if (!hasBadEscape(sent))
        promise(decodePath(sent) === method.toWellFormed(), "it is read as it was meant");
    },
  }),
  target({
    name: "trace-headers",
    inputs: texts(trace, "a=1,b=2", "00-00000000000000000000000000000000-0000000000000000-00"),
    run: (text) => {
      const { traceparent } = traceFrom(text, text, 1);
      promise(isTraceparent(traceparent), "what goes on is a traceparent");
      const binary = parseTraceBin(traceBin(traceparent));
      promise(binary === traceparent, "both spellings say the same");
      parseTraceBin(text);
      baggageFault(text);
    },
  }),
  target({
    name: "durations-and-quantities",
    inputs: texts("1h30m", "300ms", "-1.5s", "4Mi", "100", "0.5Gi", "1e3s"),
    run: (text) => {
      for (const value of [parseDuration(text), parseQuantity(text)])
        promise(value === undefined || !Number.isNaN(value), "a number or nothing");
    },
  }),
  target({
    name: "cron",
    inputs: texts(
      "*/5 * * * *",
      "0 0 12 * * MON-FRI",
      "@every 1h",
      "@daily",
      "0 30 3-6,20-23 * * *",
      "TZ=Asia/Tokyo 0 9 * * *",
    ),
    run: (text) => void new Cron(text.slice(0, 200), { paused: true }).nextRun(new Date(0)),
    // The library's own words for a pattern that is none.
    allows: (reason) => reason instanceof Error,
  }),
  target({
    name: "json",
    inputs: fc.oneof(
      fc.json({ maxDepth: 8 }),
      texts('{"a":[1,2,{"b":null}],"c":"\\u0041"}', "[1e400,-0,1.5]"),
    ),
    run: (text) => {
      const value = parseJson(text);
      promise(JSON.stringify(value) !== "", "a value");
      promise(({} as Record<string, unknown>)["polluted"] === undefined, "no prototype is touched");
    },
    allows: (reason) => reason instanceof SyntaxError,
  }),
  target({
    name: "spiffe",
    inputs: texts("spiffe://public/ns/default/app", "spiffe://td/ns/a/b/extra"),
    run: (text) => {
      const found = parseSpiffeId(text);
      if (found)
        promise(
          JSON.stringify(parseSpiffeId(spiffeId(found))) === JSON.stringify(found),
          "round trip",
        );
    },
  }),
  target({
    name: "addresses",
    inputs: texts(
      "http://169.254.169.254/",
      "http://[::ffff:a9fe:a9fe]:80/x",
      "fe80::1%eth0",
      "http://0xa9fea9fe",
    ),
    run: (text) => {
      guard.refuseAddress(text);
      guard.refuseUrl(text);
    },
  }),
  target({
    name: "like",
    inputs: fc.tuple(
      texts("a%b_c", "\\%%\\_", "%%%%%%%%%%%%a"),
      texts("aaaaaaaaaaaaaaaaaaaaaaaab", "a.b"),
    ),
    run: ([pattern, text]) => likeMatcher(pattern)(text),
    allows: (reason) => reason instanceof Error && reason.name !== "RangeError",
  }),
  target({
    name: "topic-scopes",
    inputs: texts("app1=t1,t2;app2=", "app1=;;=,", "a=b=c"),
    run: (text) => {
      const metadata = { publishingscopes: text, allowedtopics: text, protectedtopics: text };
      const of = { name: "p", metadata } as unknown as Parameters<typeof mayUseTopic>[2];
      promise(
        typeof mayUseTopic("publish", "t1", of, { appId: "app1" } as never) === "boolean",
        "yes or no",
      );
    },
  }),
  target({
    name: "origins",
    inputs: texts("*", "https://a.example, https://*.b.example", "null"),
    run: (text) => void parseOrigins(text),
  }),
  target({
    name: "label-rules",
    inputs: fc.tuple(
      texts("^/orders/\\d+$", "(a|b)*c", "(x+x+)+y", "[^/]+"),
      texts("/orders/12", "x".repeat(2000)),
    ),
    run: ([pattern, text]) => linearReplace(pattern, "x")(text.slice(0, maxLabelLength)),
    allows: (reason) => reason instanceof Error,
  }),
  target({
    name: "arguments",
    inputs: fc.array(texts("--app-id", "--app-port=3000", "-h", "--", "--enable-mtls=false"), {
      maxLength: 6,
    }),
    run: (args) => parseArgs(daprdFlags, args, { restIsCommand: false, letters: false }),
    allows: (reason) => reason instanceof Error,
  }),
];
