import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}
export interface TokenAnswer {
  readonly status?: number;
  readonly type?: string;
  /** Text as it is, anything else as JSON. */
  readonly body: unknown;
}
/** An OpenID provider: discovery, keys and a token endpoint, over HTTP. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** How often the keys were fetched. */
  readonly keyFetches: number;
  readonly tokenRequests: readonly TokenRequest[];
  /** Overrides of what a path answers; null closes the connection instead. */
  readonly answers: Map<string, TokenAnswer | null>;
  /** What the token endpoint says. */
  onToken: (request: TokenRequest) => TokenAnswer | Promise<TokenAnswer>;
  /** Adds a key, and gives its id. */
  addKey(alg?: string): Promise<string>;
  removeKey(kid: string): void;
  sign(claims: Readonly<Record<string, unknown>>, kid: string, header?: object): Promise<string>;
}

export async function issuer(): Promise<Issuer> {
  const keys = new Map<string, JWK>();
  const signers = new Map<string, { readonly alg: string; readonly key: CryptoKey }>();
  const tokenRequests: TokenRequest[] = [];
  const answers = new Map<string, TokenAnswer | null>();
  let keyFetches = 0;
  let url = "";

  const answerOf = async (incoming: IncomingMessage): Promise<TokenAnswer | null> => {
    const path = incoming.url ?? "/";
    if (path === "/jwks") keyFetches++;
    const override = answers.get(path);
    if (override !== undefined) return override;
    if (path === "/.well-known/openid-configuration")
      return { body: { issuer: url, jwks_uri: `${url}/jwks` } };
    if (path === "/jwks") return { body: { keys: [...keys.values()] } };
    if (path !== "/token") return { status: 404, body: {} };
    let text = "";
    for await (const chunk of incoming) text += String(chunk);
    const request = {
      authorization: incoming.headers.authorization,
      form: Object.fromEntries(new URLSearchParams(text)),
    };
    tokenRequests.push(request);
    return self.onToken(request);
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const answer = await answerOf(incoming);
    if (answer === null) {
      outgoing.destroy();
      return;
    }
    const { status = 200, type = "application/json", body } = answer;
    outgoing.writeHead(status, { "content-type": type });
    outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const self: Issuer = {
    url,
    get keyFetches() {
      return keyFetches;
    },
    tokenRequests,
    answers,
    onToken: () => ({ body: { access_token: "token", token_type: "bearer", expires_in: 3600 } }),
    addKey: async (alg = "RS256") => {
      const kid = crypto.randomUUID();
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      keys.set(kid, { ...(await exportJWK(publicKey)), kid, alg });
      signers.set(kid, { alg, key: privateKey });
      return kid;
    },
    removeKey: (kid) => void keys.delete(kid),
    sign: async (claims, kid, header = {}) => {
      const { alg, key } = signers.get(kid) as { readonly alg: string; readonly key: CryptoKey };
      return new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(key);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
