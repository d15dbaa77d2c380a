import { ApiError } from "./api-error.ts";

/** gRPC ↔ HTTP statuses as Dapr maps them; nothing else maps codes. */
const toGrpc: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 5,
  408: 1,
  409: 6,
  429: 8,
  500: 2,
  501: 12,
  503: 14,
  504: 4,
};
/** The gRPC code for an HTTP status; Unknown for what has none. */
export function grpcCodeOf(http: number): number {
  return http >= 200 && http < 300 ? 0 : (toGrpc[http] ?? 2);
}

const toHttp: readonly number[] = [
  200, 408, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];
/** The HTTP status for a gRPC code. */
export function httpStatusOf(grpc: number): number {
  return toHttp[grpc] ?? 500;
}

/** An HTTP status of 400 or more as the gRPC error that Dapr makes of it; `body` is what came with it. */
export function errorOfHttpStatus(http: number, body: string): ApiError {
  const text = statusText(http);
  return new ApiError(text, { http, grpc: grpcCodeOf(http) }, text, {
    details: [
      {
        type: "ErrorInfo",
        reason: text,
        metadata: { "http.code": String(http), "http.error_message": body.slice(0, 63) },
      },
    ],
  });
}

/** The standard reason phrase; empty for a status without one. */
export function statusText(http: number): string {
  return phrases[http] ?? "";
}
const phrases: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  414: "Request URI Too Long",
  415: "Unsupported Media Type",
  416: "Requested Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  510: "Not Extended",
  511: "Network Authentication Required",
};
