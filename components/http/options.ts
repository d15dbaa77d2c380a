import type { OptionTable } from "#core/ports/manifest.ts";

export const options: OptionTable = {
  url: {
    type: "string",
    required: true,
    sensitive: true,
    about:
      "Address to call, http or https; metadata path of a request is appended. A user:password@ in it becomes basic authentication.",
  },
  responseTimeout: {
    type: "duration",
    about:
      "Longest time for a call, answer included. A bare number is seconds. Without it the caller decides.",
  },
  maxResponseBodySize: {
    type: "string",
    default: "100Mi",
    about:
      "Largest answer, as a quantity like 10Mi; a larger one is an error. 0 or less means the most that this runtime reads, 1Gi.",
  },
  securityToken: {
    type: "string",
    sensitive: true,
    about: "Value of the header that securityTokenHeader names.",
  },
  securityTokenHeader: { type: "string", about: "Header that carries securityToken." },
  errorIfNot2XX: {
    type: "boolean",
    default: "true",
    about:
      "An answer other than 2xx is an error. A request may say otherwise in its metadata of that name.",
  },
  MTLSRootCA: {
    type: "string",
    about:
      "Authority that the server's certificate must come from, as PEM or a file's path. Node only, as the next two.",
  },
  MTLSClientCert: { type: "string", about: "Certificate to show, as PEM or a file's path." },
  MTLSClientKey: { type: "string", sensitive: true, about: "Its key, as PEM or a file's path." },
  MTLSRenegotiation: {
    type: "string",
    about:
      "RenegotiateNever, …OnceAsClient or …FreelyAsClient: read, and left to the platform's TLS.",
  },
};
