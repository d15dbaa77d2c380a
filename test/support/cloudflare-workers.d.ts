/** What the workerd cell, and the Worker behind it, take of Cloudflare's types; the real ones belong to another program (test/workerd). */
declare module "cloudflare:workers" {
  export const exports: { readonly default: { fetch(request: Request): Promise<Response> } };
  export function waitUntil(work: Promise<unknown>): void;
}
declare module "cloudflare:test" {
  export const env: Readonly<Record<string, unknown>>;
  export function createExecutionContext(): ExecutionContext;
  export function createScheduledController(options: {
    readonly cron: string;
  }): ScheduledController;
}
interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}
interface ScheduledController {
  readonly cron: string;
  readonly scheduledTime: number;
}
interface MessageBatch {
  readonly queue: string;
  readonly messages: ReadonlyArray<{
    readonly id: string;
    readonly body: unknown;
    ack(): void;
    retry(): void;
  }>;
  retryAll(): void;
}
