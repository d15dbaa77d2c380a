/** A field of an encoded message as it stands there. */
export interface WireField {
  readonly number: number;
  readonly value: bigint | Uint8Array;
  /** How the value stands there: a varint, eight bytes, bytes of a length, four bytes. */
  readonly type: WireType;
}
type WireType = 0 | 1 | 2 | 5;

/** The fields of a message, in their order. Throws for bytes that are not a message. */
export function readFields(bytes: Uint8Array): WireField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a number is too long");
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const type = (tag & 7) as WireType;
    switch (type) {
      case 0:
        fields.push({ number, type, value: varint() });
        break;
      case 1:
        fields.push({ number, type, value: view.getBigUint64(at, true) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (length > bytes.length - at) throw new RangeError("a field is cut off");
        fields.push({ number, type, value: bytes.subarray(at, (at += length)) });
        break;
      }
      case 5:
        fields.push({ number, type, value: BigInt(view.getUint32(at, true)) });
        at += 4;
        break;
      default:
        throw new RangeError(`there is no wire type ${String(type)}`);
    }
  }
  return fields;
}

/** A field that holds bytes: a text, a message. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
  const head = [...varintBytes((number << 3) | 2), ...varintBytes(value.length)];
  const out = new Uint8Array(head.length + value.length);
  out.set(head);
  out.set(value, head.length);
  return out;
}
export function varintField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varintBytes(number << 3), ...varintBytes(value)]);
}
export function doubleField(number: number, value: number): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = (number << 3) | 1;
  new DataView(out.buffer).setFloat64(1, value, true);
  return out;
}
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function varintBytes(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest & 127) | 128);
  out.push(rest);
  return out;
}
