import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import {
  getKey,
  subtleDecrypt,
  subtleEncrypt,
  subtleSign,
  subtleUnwrapKey,
  subtleVerify,
  subtleWrapKey,
} from "./subtle.ts";

export function subtleCryptoGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "SubtleGetKeyAlpha1",
    getKey,
    ({ componentName, name, format }) => ({ component: componentName, name, format }),
    ({ name, text }) => ({ name, publicKey: text }),
  );
  routes.unary("SubtleEncryptAlpha1", subtleEncrypt, use, (sealed) => sealed);
  routes.unary(
    "SubtleDecryptAlpha1",
    subtleDecrypt,
    (request) => ({ ...use(request), sealed: request }),
    (plaintext) => ({ plaintext }),
  );
  routes.unary(
    "SubtleWrapKeyAlpha1",
    subtleWrapKey,
    (request) => ({ ...use(request), plaintext: request.plaintextKey }),
    ({ ciphertext, ...sealed }) => ({ ...sealed, wrappedKey: ciphertext }),
  );
  routes.unary(
    "SubtleUnwrapKeyAlpha1",
    subtleUnwrapKey,
    (request) => ({
      ...use(request),
      sealed: { ciphertext: request.wrappedKey, tag: request.tag },
    }),
    (plaintextKey) => ({ plaintextKey }),
  );
  routes.unary("SubtleSignAlpha1", subtleSign, use, (signature) => ({ signature }));
  routes.unary("SubtleVerifyAlpha1", subtleVerify, use, (valid) => ({ valid }));
}

/** The fields that most requests share, under our names; the others stay as they are. */
function use<R extends { readonly componentName: string; readonly keyName: string }>(
  request: R,
): R & { readonly component: string; readonly key: string } {
  return { ...request, component: request.componentName, key: request.keyName };
}
