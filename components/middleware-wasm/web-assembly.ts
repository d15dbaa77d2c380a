/** The part of the WebAssembly API that is used here; TypeScript's Node types leave it out. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export interface WasmDescriptor {
  readonly name: string;
  readonly kind: string;
}
export type WasmImports = Record<string, Record<string, unknown>>;

interface Engine {
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>;
  instantiate(
    module: WasmModule,
    imports: WasmImports,
  ): Promise<{ readonly exports: Readonly<Record<string, unknown>> }>;
  readonly Module: {
    imports(module: WasmModule): ReadonlyArray<WasmDescriptor & { readonly module: string }>;
    exports(module: WasmModule): readonly WasmDescriptor[];
  };
}
export const engine: Engine = (globalThis as unknown as { readonly WebAssembly: Engine })
  .WebAssembly;
