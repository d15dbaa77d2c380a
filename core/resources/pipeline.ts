import type { Fields } from "./fields.ts";

/** A handler as `httpPipeline` and `appHttpPipeline` name it: a component of the same name, type and version. */
export interface PipelineHandler {
  readonly name: string;
  readonly type: string;
  readonly version: string;
}

/** `handlers[]` of one pipeline; none where the section is absent. */
export function readPipeline(pipeline: Fields): readonly PipelineHandler[] {
  const handlers = pipeline.list("handlers").map((handler) => {
    const read = {
      name: handler.required("name"),
      type: handler.required("type"),
      version: handler.text("version") || "v1",
    };
    // Dapr reads a selector and does nothing with it.
    handler.has("selector");
    handler.done();
    return read;
  });
  pipeline.done();
  return handlers;
}
