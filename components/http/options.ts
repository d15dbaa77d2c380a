import type { OptionTable } from "#core/ports/manifest.ts";

export const options: OptionTable = {
  url: {
    type: "string",
    required: true,
    sensitive: true,
    about:
      "The http or https URL to call, to which a request's metadata path is appended; user:password@ in it becomes basic authentication.",
  },
  responseTimeout: {
    type: "duration",
    about:
      "Timeout of a call, including the response (a number without a unit means seconds); if not set, only the caller's timeout applies.",
  },
  maxResponseBodySize: {
    type: "string",
    default: "100Mi",
    about:
      "Maximum size of a response, as a quantity such as 10Mi, above which the call fails; 0 or less means 1Gi, the most that this runtime reads.",
  },
  securityToken: {
    type: "string",
    sensitive: true,
    about: "Value of the header that securityTokenHeader names.",
  },
  securityTokenHeader: { type: "string", about: "Name of the header that contains securityToken." },
  errorIfNot2XX: {
    type: "boolean",
    default: "true",
    about:
      "Whether a response outside 2xx is an error, which a request can override in its metadata of the same name.",
  },
  MTLSRootCA: {
    type: "string",
    about:
      "CA certificate that must have signed the server's certificate, as PEM or the path of a file (Node only).",
  },
  MTLSClientCert: {
    type: "string",
    about: "Client certificate, as PEM or the path of a file (Node only).",
  },
  MTLSClientKey: {
    type: "string",
    sensitive: true,
    about: "Key of the client certificate, as PEM or the path of a file (Node only).",
  },
  MTLSRenegotiation: {
    type: "string",
    about:
      "RenegotiateNever, RenegotiateOnceAsClient or RenegotiateFreelyAsClient; accepted, but has no effect on the platform's TLS.",
  },
};
