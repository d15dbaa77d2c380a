import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { plainValue } from "./yaml-scalar.ts";

/** Aliases can make a small text stand for a huge value ("billion laughs"). */
const maxAliased = 100_000;
const maxDepth = 64;
const maxRepeats = 10;

/** A value, and how many values it holds once its aliases are written out. */
interface Sized {
  readonly value: unknown;
  readonly size: number;
}
export interface RepeatedKey {
  readonly key: string;
  /** Offset in the text. */
  readonly at: number;
}

/** The value of a composed document as Go's reader has it; of a repeated key the last counts. Throws for what cannot be one. */
export function valueOf(
  node: ParsedNode | null,
  text: string,
): {
  readonly value: unknown;
  /** The first few. */
  readonly repeated: readonly RepeatedKey[];
} {
  const reader = new Reader(text);
  return { value: reader.read(node, 0).value, repeated: reader.repeated };
}

class Reader {
  readonly repeated: RepeatedKey[] = [];
  /** `undefined` while the value is being read. */
  readonly #anchors = new Map<string, Sized | undefined>();
  #aliased = 0;
  readonly #end: number;

  constructor(text: string) {
    this.#end = text.endsWith("\n") ? Number.NaN : text.length;
  }
  read(node: unknown, depth: number): Sized {
    if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth} levels`);
    if (isAlias(node)) return this.#alias(node);
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const read = this.#plain(node, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, read);
    return read;
  }
  #plain(node: unknown, depth: number): Sized {
    if (isMap(node)) return this.#map(node, depth);
    if (isSeq(node)) return this.#list(node, depth);
    return { value: isScalar(node) ? this.#scalar(node) : null, size: 1 };
  }
  /** Dapr: a block that ends with the text, which may be cut off before a separator, ends without a newline then. */
  #scalar(scalar: Scalar): unknown {
    const { type, range } = scalar;
    const value = scalarValue(scalar);
    const isBlock = type === "BLOCK_LITERAL" || type === "BLOCK_FOLDED";
    return isBlock && range?.[1] === this.#end && typeof value === "string"
      ? value.replace(/\n$/, "")
      : value;
  }
  #alias({ source }: Alias): Sized {
    const target = this.#anchors.get(source);
    if (!target)
      throw new Error(
        this.#anchors.has(source)
          ? `alias "${source}" refers to a value that it is part of`
          : `alias "${source}" has no anchor before it`,
      );
    this.#aliased += target.size;
    if (this.#aliased > maxAliased)
      throw new Error(`its aliases stand for more than ${maxAliased} values; write them out`);
    return target;
  }
  #list({ items }: YAMLSeq, depth: number): Sized {
    let size = 1;
    const value = items.map((item) => {
      const read = this.read(item, depth + 1);
      size += read.size;
      return read.value;
    });
    return { value, size };
  }
  #map({ items }: YAMLMap, depth: number): Sized {
    const entries = new Map<string, unknown>();
    const own = new Set<string>();
    let size = 1;
    for (const { key, value } of items) {
      if (isMergeKey(key)) {
        size += this.#merge(entries, value, depth + 1);
        continue;
      }
      const name = this.#key(key, depth);
      if (own.has(name) && this.repeated.length < maxRepeats)
        this.repeated.push({ key: name, at: isScalar(key) ? (key.range?.[0] ?? 0) : 0 });
      own.add(name);
      const read = this.read(value, depth + 1);
      size += read.size;
      entries.set(name, read.value);
    }
    return { value: Object.fromEntries(entries), size };
  }
  #key(key: unknown, depth: number): string {
    const { value } = this.read(key, depth + 1);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return String(value);
    throw new Error("it has a key that is not text");
  }
  /** Dapr: `<<` counts where it stands, so that it replaces what the mapping has before it. Of several the first counts. */
  #merge(into: Map<string, unknown>, node: unknown, depth: number): number {
    const { value, size } = this.read(node, depth);
    const sources: readonly unknown[] = Array.isArray(value) ? [...value].reverse() : [value];
    for (const source of sources) {
      if (typeof source !== "object" || source === null || Array.isArray(source))
        throw new Error('"<<" takes a mapping or a list of mappings');
      for (const [name, each] of Object.entries(source)) into.set(name, each);
    }
    return size;
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === "PLAIN" && key.tag === undefined && key.source === "<<";
}

const tags = "tag:yaml.org,2002:";

/** Tags of YAML's own decide, others make it text. */
function scalarValue({ type, tag, source = "", value }: Scalar): unknown {
  const text = typeof value === "string" ? value : source;
  if (tag === undefined) return type === "PLAIN" ? plainValue(text) : text;
  switch (tag) {
    case `${tags}null`:
      return null;
    case `${tags}bool`:
    case `${tags}int`:
    case `${tags}float`: {
      const found = plainValue(text);
      const wanted = tag === `${tags}bool` ? "boolean" : "number";
      if (typeof found === wanted || /^[-+]?\d{16,}$/.test(String(found))) return found;
      throw new Error(`"${text}" cannot be read as ${tag.slice(tags.length)}`);
    }
    case `${tags}binary`:
      return new TextDecoder().decode(
        Uint8Array.from(atob(text.replace(/\s/g, "")), (character) => character.charCodeAt(0)),
      );
    default:
      return text;
  }
}
