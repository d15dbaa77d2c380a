/** What the workerd cell takes from Cloudflare's module; the real types belong to another program (test/workerd). */
declare module "cloudflare:workers" {
  export const env: Readonly<Record<string, unknown>>;
  export const exports: { readonly default: { fetch(request: Request): Promise<Response> } };
}
