const first = [
  "brisk",
  "calm",
  "clever",
  "eager",
  "gentle",
  "keen",
  "lucky",
  "merry",
  "nimble",
  "quiet",
];
const second = [
  "badger",
  "falcon",
  "heron",
  "lynx",
  "marten",
  "otter",
  "puffin",
  "raven",
  "seal",
  "stoat",
];

/** An app id for a run without one. */
export function generatedAppId(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint16Array(3));
  return `${first[a % first.length]}-${second[b % second.length]}-${c % 10_000}`;
}
