import type { CallOptions, Component } from "./component.ts";

/** A JSON Web Key (RFC 7517), its members as they stand. */
export interface Jwk {
  readonly kty: string;
  readonly [member: string]: unknown;
}

/** Which key, and what to do with it. */
export interface KeyUse {
  /** Name of the key in the vault, or name and version. */
  readonly key: string;
  /** As JWA names it, for example `A256GCM`. */
  readonly algorithm: string;
  /** Nonce or initialization vector; asymmetric algorithms and key wrapping with AES-KW take none. */
  readonly nonce?: Uint8Array;
  /** Authenticated, not encrypted; algorithms that cannot carry it ignore it. */
  readonly associatedData?: Uint8Array;
}

/** What encryption gives; `tag` for authenticated algorithms only. */
export interface Sealed {
  readonly ciphertext: Uint8Array;
  readonly tag?: Uint8Array;
}

/** Keys in a vault, used without taking them out. Every method rejects for a key or an algorithm that it does not have. */
export interface CryptoProvider extends Component {
  /** The public part; rejects for a symmetric key. */
  publicKey(key: string, options: CallOptions): Promise<Jwk>;
  encrypt(plaintext: Uint8Array, use: KeyUse, options: CallOptions): Promise<Sealed>;
  /** Rejects for data that was tampered with, where the algorithm can tell. */
  decrypt(sealed: Sealed, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /** As `encrypt`, for keys that may wrap keys. */
  wrapKey(plaintextKey: Uint8Array, use: KeyUse, options: CallOptions): Promise<Sealed>;
  unwrapKey(sealed: Sealed, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /** Signs what the caller has hashed already (EdDSA: the message). */
  sign(digest: Uint8Array, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /** False for a signature that is not the key's. */
  verify(
    digest: Uint8Array,
    signature: Uint8Array,
    use: KeyUse,
    options: CallOptions,
  ): Promise<boolean>;
}
