/** What has to come of it: an error (4xx, 5xx) or a closed connection; an answer of the API; either. */
export type Outcome = "refused" | "served" | "either";
export interface HostileCase {
  readonly name: string;
  readonly bytes: string | readonly string[];
  readonly outcome: Outcome;
  readonly half?: boolean;
}

const host = "Host: localhost\r\n";
const invoke = "/v1.0/invoke/hostile/method/echo";
/** A request that must never arrive: it stands inside of another's body. */
const smuggled = `GET /v1.0/invoke/hostile/method/smuggled HTTP/1.1\r\n${host}\r\n`;
const post = (headers: string, body: string): string =>
  `POST ${invoke} HTTP/1.1\r\n${host}${headers}\r\n${body}`;
const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const get = (headers: string, target: string = invoke): string =>
  `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`;
const of = (
  group: string,
  outcome: Outcome,
  cases: Readonly<Record<string, string>>,
): readonly HostileCase[] =>
  Object.entries(cases).map(([name, bytes]) => ({ name: `${group}: ${name}`, bytes, outcome }));

const encodings = {
  chunked: "Transfer-Encoding: chunked",
  "upper case": "TRANSFER-ENCODING: CHUNKED",
  "a tab": "Transfer-Encoding:\tchunked",
  "blanks behind": "Transfer-Encoding: chunked  ",
  twice: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "identity, then chunked": "Transfer-Encoding: identity, chunked",
  "chunked, then identity": "Transfer-Encoding: chunked, identity",
  xchunked: "Transfer-Encoding: xchunked",
  "a vertical tab": "Transfer-Encoding: \x0bchunked",
  quotes: 'Transfer-Encoding: "chunked"',
  gzip: "Transfer-Encoding: gzip",
  "two lines": "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
  "an empty value": "Transfer-Encoding: ",
  "a blank before the colon": "Transfer-Encoding : chunked",
  "a folded line": "Transfer-Encoding:\r\n chunked",
};
const lengths = {
  negative: "-5",
  "with a sign": "+5",
  hexadecimal: "0x5",
  "with blanks": "5 5",
  "a list": "5, 5",
  "of letters": "five",
  empty: "",
  "beyond 64 bits": "99999999999999999999999",
  "with a point": "5.0",
  "with an exponent": "5e0",
};

export const cases: readonly HostileCase[] = [
  ...of(
    "length and encoding both",
    "refused",
    Object.fromEntries(
      Object.entries(encodings).map(([name, encoding]) => [
        name,
        post(`Content-Length: ${smuggled.length + 5}\r\n${encoding}\r\n`, `0\r\n\r\n${smuggled}`),
      ]),
    ),
  ),
  ...of(
    "encoding and length, the other way round",
    "refused",
    Object.fromEntries(
      Object.entries(encodings).map(([name, encoding]) => [
        name,
        post(`${encoding}\r\nContent-Length: 4\r\n`, chunked(smuggled)),
      ]),
    ),
  ),
  ...of("only an encoding", "refused", {
    xchunked: post(`${encodings.xchunked}\r\n`, smuggled),
    "chunked, then identity": post(`${encodings["chunked, then identity"]}\r\n`, smuggled),
    "a blank before the colon": post(`${encodings["a blank before the colon"]}\r\n`, chunked("x")),
    "a folded line": post(`${encodings["a folded line"]}\r\n`, chunked("x")),
    quotes: post(`${encodings.quotes}\r\n`, smuggled),
  }),
  ...of(
    "a length that is none",
    "refused",
    Object.fromEntries(
      Object.entries(lengths).map(([name, length]) => [
        name,
        post(`Content-Length: ${length}\r\n`, `hello${smuggled}`),
      ]),
    ),
  ),
  ...of("two lengths", "refused", {
    different: post("Content-Length: 5\r\nContent-Length: 6\r\n", `hello${smuggled}`),
    "different, as a list": post("Content-Length: 5,6\r\n", `hello${smuggled}`),
    equal: post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
  }),
  ...of("a chunk's size", "refused", {
    "with a prefix": post("Transfer-Encoding: chunked\r\n", `0x5\r\nhello\r\n0\r\n\r\n${smuggled}`),
    negative: post("Transfer-Encoding: chunked\r\n", `-5\r\nhello\r\n0\r\n\r\n${smuggled}`),
    empty: post("Transfer-Encoding: chunked\r\n", `\r\nhello\r\n0\r\n\r\n${smuggled}`),
    "of letters": post("Transfer-Encoding: chunked\r\n", `zz\r\nhello\r\n0\r\n\r\n${smuggled}`),
    "beyond 64 bits": post(
      "Transfer-Encoding: chunked\r\n",
      `fffffffffffffffff\r\nhello\r\n0\r\n\r\n${smuggled}`,
    ),
    "too small for its data": post(
      "Transfer-Encoding: chunked\r\n",
      `3\r\nhello\r\n0\r\n\r\n${smuggled}`,
    ),
    "with a huge extension": post(
      "Transfer-Encoding: chunked\r\n",
      `5;${"a".repeat(100_000)}\r\nhello\r\n0\r\n\r\n`,
    ),
    "ended by a bare LF": post(
      "Transfer-Encoding: chunked\r\n",
      `5\nhello\r\n0\r\n\r\n${smuggled}`,
    ),
    "with a blank before": post(
      "Transfer-Encoding: chunked\r\n",
      ` 5\r\nhello\r\n0\r\n\r\n${smuggled}`,
    ),
  }),
  ...of("line ends", "refused", {
    "a bare LF after the request line": `GET ${invoke} HTTP/1.1\n${host}\r\n`,
    "bare LFs everywhere": `GET ${invoke} HTTP/1.1\nHost: localhost\n\n`,
    "a bare CR in a value": get("X-A: a\rX-B: b\r\n"),
    "a bare LF in a value": get("X-A: a\nX-B : b\r\n"),
    "a CR before the colon": get("X-A\r: a\r\n"),
    "a folded line": get("X-A: a\r\n b\r\n"),
    "a folded first line": `GET ${invoke} HTTP/1.1\r\n X-A: a\r\n${host}\r\n`,
  }),
  ...of("names and values", "refused", {
    "a NUL in a value": get("X-A: a\0b\r\n"),
    "a NUL in a name": get("X\0A: a\r\n"),
    "a blank before the colon": get("X-A : a\r\n"),
    "no colon": get("X-A\r\n"),
    "no name": get(": a\r\n"),
    "a blank in a name": get("X A: a\r\n"),
    "a control character": get("X-A: a\x01\r\n"),
    "a letter beyond ASCII in a name": get("X-\xc3\xa9: a\r\n"),
    "brackets in a name": get("X[A]: a\r\n"),
    "no Host": `GET ${invoke} HTTP/1.1\r\n\r\n`,
  }),
  ...of("size", "refused", {
    "16 KiB of one header": get(`X-A: ${"a".repeat(16_384)}\r\n`),
    "1 MiB of one header": get(`X-A: ${"a".repeat(1_048_576)}\r\n`),
    "10,000 headers": get("X-A: a\r\n".repeat(10_000)),
    "a request line of 100 KiB": get("", `/${"a".repeat(102_400)}`),
    "a method of 10 KiB": `${"A".repeat(10_240)} / HTTP/1.1\r\n${host}\r\n`,
    "a body beyond the limit": post("Content-Length: 99999999\r\n", "x"),
  }),
  ...of("the request line", "refused", {
    "HTTP/0.9": `GET ${invoke}\r\n\r\n`,
    "HTTP/1.2": `GET ${invoke} HTTP/1.2\r\n${host}\r\n`,
    "HTTP/9.9": `GET ${invoke} HTTP/9.9\r\n${host}\r\n`,
    "no version": `GET ${invoke} \r\n${host}\r\n`,
    "a lower-case protocol": `GET ${invoke} http/1.1\r\n${host}\r\n`,
    "a method of blanks": `   ${invoke} HTTP/1.1\r\n${host}\r\n`,
    "a method that is none": `GE,T ${invoke} HTTP/1.1\r\n${host}\r\n`,
    "a NUL in the target": `GET ${invoke}\0 HTTP/1.1\r\n${host}\r\n`,
    "a tab in the target": `GET ${invoke}\tx HTTP/1.1\r\n${host}\r\n`,
    "a bare percent sign": get("", `${invoke}/%`),
    "an escape that is none": get("", `${invoke}/%zz`),
    "an asterisk": get("", "*"),
    "an authority": `CONNECT localhost:80 HTTP/1.1\r\n${host}\r\n`,
    "random bytes": "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(5) + "\r\n\r\n",
    "the preface of HTTP/2 with something else behind":
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + smuggled,
    "half of a preface": `PRI * HTTP/2.0\r\n${host}\r\n`,
  }),
  ...of("unusual, and allowed", "served", {
    "an absolute target": get("", `http://localhost${invoke}`),
    "an absolute target with another host": get("", `http://other.example${invoke}`),
    "a chunk extension": post("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"),
    "a trailer": post(
      "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n",
      "5\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
    ),
    "an empty line first": `\r\n${get("")}`,
    "a GET with a body": `GET ${invoke} HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`,
    "HTTP/1.0": `GET ${invoke} HTTP/1.0\r\n${host}\r\n`,
    "bytes beyond ASCII in a value": get("X-A: \xe9\xff\r\n"),
  }),
  ...of("what would add a header or a request", "either", {
    "a trailer that names a length": post(
      "Transfer-Encoding: chunked\r\n",
      `5\r\nhello\r\n0\r\nContent-Length: ${smuggled.length}\r\n\r\n`,
    ),
    "a trailer that names an encoding": post(
      "Transfer-Encoding: chunked\r\n",
      "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "escaped line ends in the target": get("", `${invoke}%0d%0aX-Injected:%20a%0d%0a%0d%0a`),
    "an escaped second request in the target": get(
      "",
      `${invoke}%20HTTP/1.1%0d%0a%0d%0aGET%20/smuggled`,
    ),
    "Upgrade to h2c": get(
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    ),
    "Upgrade to a socket": get(
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n",
    ),
    "an expectation that nobody knows": post(
      "Expect: the-unexpected\r\nContent-Length: 5\r\n",
      "hello",
    ),
    "100-continue": post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
    "HTTP/1.0 with an encoding": `POST ${invoke} HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n${chunked(smuggled)}`,
    "Connection that names the length": post(
      "Connection: Content-Length\r\nContent-Length: 5\r\n",
      "hello",
    ),
    "two blanks": `GET  ${invoke}  HTTP/1.1\r\n${host}\r\n`,
    "two Hosts": get("Host: other\r\n"),
    "a Host that is none": `GET ${invoke} HTTP/1.1\r\nHost: a b/c\r\n\r\n`,
  }),
  {
    name: "a body that ends early",
    bytes: post("Content-Length: 50\r\n", "hello"),
    outcome: "either",
    half: true,
  },
  {
    name: "a chunk that ends early",
    bytes: post("Transfer-Encoding: chunked\r\n", "ff\r\nhello"),
    outcome: "either",
    half: true,
  },
  {
    name: "headers that end early",
    bytes: `GET ${invoke} HTTP/1.1\r\n${host}`,
    outcome: "either",
    half: true,
  },
  { name: "nothing at all", bytes: "", outcome: "either", half: true },
];
