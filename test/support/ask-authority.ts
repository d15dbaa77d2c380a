import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { X509Certificate } from "node:crypto";
import { connect } from "node:http2";
import {
  SignCertificateRequest_TokenValidator as TokenValidator,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { createRequest } from "#targets/node/mtls/certificates.ts";
import { callUnary } from "#targets/node/mtls/unary-rpc.ts";

/**
 * Asks an authority (`host:port`) for the certificate of an app, as whoever holds that token: the names in it, or why
 * there is none.
 */
export async function askAuthority(
  at: string,
  token: string,
  app: { readonly namespace: string; readonly appId: string },
): Promise<string> {
  const session = connect(`https://${at}`, { rejectUnauthorized: false });
  session.on("error", () => {});
  try {
    const request = create(SignCertificateRequestSchema, {
      id: app.appId,
      namespace: app.namespace,
      trustDomain: "public",
      token,
      tokenValidator: TokenValidator.KUBERNETES,
      certificateSigningRequest: Buffer.from((await createRequest()).csr),
    });
    const bytes = await callUnary(
      session,
      toBinary(SignCertificateRequestSchema, request),
      AbortSignal.timeout(10_000),
    );
    const { workloadCertificate } = fromBinary(SignCertificateResponseSchema, bytes);
    return new X509Certificate(Buffer.from(workloadCertificate)).subjectAltName ?? "";
  } catch (reason) {
    return (reason as Error).message;
  } finally {
    session.destroy();
  }
}
