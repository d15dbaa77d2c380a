import type { CallOptions, Component } from "./component.ts";

/** A JSON Web Key (RFC 7517), with its members unchanged. */
export interface Jwk {
  /** Key type, for example `RSA`, `EC`, `OKP` or `oct`. */
  readonly kty: string;
  readonly [member: string]: unknown;
}

/** The key and the parameters of a cryptographic operation. */
export interface KeyUse {
  /** Name of the key in the vault, or its name and version. */
  readonly key: string;
  /** Algorithm by its JWA name (RFC 7518), for example `A256GCM`. */
  readonly algorithm: string;
  /**
   * Nonce or initialization vector. `undefined` for asymmetric algorithms and for key wrapping with
   * AES-KW, which do not use one.
   */
  readonly nonce?: Uint8Array;
  /**
   * Data that is authenticated but not encrypted. Algorithms that do not support it ignore it.
   */
  readonly associatedData?: Uint8Array;
}

/** The result of an encryption. */
export interface Sealed {
  readonly ciphertext: Uint8Array;
  /** Authentication tag; `undefined` unless the algorithm is authenticated. */
  readonly tag?: Uint8Array;
}

/**
 * Keys in a vault, which are used without leaving it (`crypto.*` components).
 *
 * Every method rejects with an `Error` if the vault does not have the key or does not support the
 * algorithm.
 */
export interface CryptoProvider extends Component {
  /**
   * Returns the public part of a key.
   *
   * @throws {Error} if the key is symmetric.
   */
  publicKey(key: string, options: CallOptions): Promise<Jwk>;
  /** Encrypts a message. */
  encrypt(plaintext: Uint8Array, use: KeyUse, options: CallOptions): Promise<Sealed>;
  /**
   * Decrypts a message.
   *
   * @throws {Error} if the data was tampered with, provided that the algorithm can detect it.
   */
  decrypt(sealed: Sealed, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /** Like `encrypt`, for keys that can wrap keys. */
  wrapKey(plaintextKey: Uint8Array, use: KeyUse, options: CallOptions): Promise<Sealed>;
  /** Like `decrypt`, for keys that can wrap keys. */
  unwrapKey(sealed: Sealed, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /** Signs a digest that the caller has computed; with EdDSA, signs the message itself. */
  sign(digest: Uint8Array, use: KeyUse, options: CallOptions): Promise<Uint8Array>;
  /**
   * Checks a signature of a digest; with EdDSA, of the message itself. Resolves with false if the
   * key did not create the signature.
   */
  verify(
    digest: Uint8Array,
    signature: Uint8Array,
    use: KeyUse,
    options: CallOptions,
  ): Promise<boolean>;
}
