const maxBytes = 8192;
const maxMembers = 180;
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const value = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** What is wrong with a W3C `baggage` header; `undefined` when nothing is. https://www.w3.org/TR/baggage/ */
export function baggageFault(header: string): string | undefined {
  if (header.trim() === "") return undefined;
  if (header.length > maxBytes) return `more than ${maxBytes} bytes`;
  const members = header.split(",");
  if (members.length > maxMembers) return `more than ${maxMembers} members`;
  for (const member of members) {
    const [pair = "", ...properties] = member.split(";");
    if (!pair.includes("=")) return `no "=" in member ${JSON.stringify(pair.trim())}`;
    for (const each of [pair, ...properties]) {
      const fault = partFault(each);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** Of `key=value`; a property may be a key alone. */
function partFault(part: string): string | undefined {
  const equals = part.indexOf("=");
  const name = (equals === -1 ? part : part.slice(0, equals)).trim();
  if (!token.test(name)) return `invalid key ${JSON.stringify(name)}`;
  if (equals !== -1 && !value.test(part.slice(equals + 1).trim()))
    return `invalid value of key ${JSON.stringify(name)}`;
  return undefined;
}
