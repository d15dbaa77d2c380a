export interface CodeRange {
  readonly from: number;
  readonly to: number;
}

/** `"429,500-599"` taken apart; empty parts do not count. The document's reader has checked it. */
export function parseCodes(text: string): readonly CodeRange[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const [from = "", to = from] = part.split("-");
      return { from: Number(from), to: Number(to) };
    });
}

const mostGrpc = 16;

/** Whether a status is tried again; kinds of status that are not named are. */
export function createMatcher(matching: {
  readonly httpStatusCodes?: string;
  readonly gRPCStatusCodes?: string;
}): (status: number) => boolean {
  const of = (text: string | undefined): readonly CodeRange[] | undefined =>
    text === undefined || text === "" ? undefined : parseCodes(text);
  const http = of(matching.httpStatusCodes);
  const grpc = of(matching.gRPCStatusCodes);
  return (status) => {
    const ranges = status <= mostGrpc ? grpc : http;
    return ranges === undefined || ranges.some(({ from, to }) => from <= status && status <= to);
  };
}
