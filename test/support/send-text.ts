import type { SendOutside } from "#core/ports/platform.ts";

/** What a GET answers, as text. */
export async function sendText(send: SendOutside | undefined, url: string): Promise<string> {
  const request = { url, method: "GET", headers: [] };
  const answer = await send?.(request, { signal: AbortSignal.timeout(5000) });
  return new Response(answer?.body as ReadableStream | undefined).text();
}
