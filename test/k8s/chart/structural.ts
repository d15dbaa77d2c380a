import { isRecord } from "#core/util/json.ts";

/** The part of a definition's schema that ours use. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

/** What the API server would say of a value: wrong types, missing fields, and fields that it would drop. */
export function faults(schema: Schema, value: unknown, path = ""): readonly string[] {
  if (schema["x-kubernetes-preserve-unknown-fields"] && schema.properties === undefined) return [];
  if (schema["x-kubernetes-int-or-string"])
    return Number.isInteger(value) || typeof value === "string"
      ? []
      : [`${path}: no text or integer`];
  switch (schema.type) {
    case "object":
      return isRecord(value) ? faultsOfObject(schema, value, path) : [`${path}: no object`];
    case "array":
      return Array.isArray(value)
        ? value.flatMap((each, i) => faults(schema.items ?? {}, each, `${path}[${i}]`))
        : [`${path}: no array`];
    case "integer":
      return Number.isInteger(value) ? [] : [`${path}: no integer`];
    case "boolean":
    case "string":
      return typeof value === schema.type
        ? faultsOfScalar(schema, value, path)
        : [`${path}: no ${schema.type}`];
    default:
      return [`${path}: the schema says nothing`];
  }
}

function faultsOfObject(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  path: string,
): readonly string[] {
  // metadata is the API server's own.
  if (path === ".metadata") return [];
  const missing = (schema.required ?? []).filter((name) => !(name in value));
  return [
    ...missing.map((name) => `${path}.${name}: required`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const below = schema.properties?.[name] ?? schema.additionalProperties;
      return below ? faults(below, each, `${path}.${name}`) : [`${path}.${name}: unknown`];
    }),
  ];
}

function faultsOfScalar(schema: Schema, value: unknown, path: string): readonly string[] {
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: none of the values`];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value)))
    return [`${path}: does not match`];
  return [];
}

/** The path of every field of a schema: `.spec.metadata[].name`, `.spec.targets.apps{}.retry`. */
export function fieldsOf(schema: Schema, path = ""): readonly string[] {
  return [
    path,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) =>
      fieldsOf(each, `${path}.${name}`),
    ),
    ...(schema.items ? fieldsOf(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? fieldsOf(schema.additionalProperties, `${path}{}`) : []),
  ];
}

/** The same paths, of those that a value uses. */
export function usedFields(schema: Schema, value: unknown, path = ""): readonly string[] {
  const below =
    Array.isArray(value) && schema.items
      ? value.flatMap((each) => usedFields(schema.items ?? {}, each, `${path}[]`))
      : isRecord(value)
        ? Object.entries(value).flatMap(([name, each]) => {
            const property = schema.properties?.[name];
            if (property) return usedFields(property, each, `${path}.${name}`);
            return schema.additionalProperties
              ? usedFields(schema.additionalProperties, each, `${path}{}`)
              : [];
          })
        : [];
  return [path, ...below];
}
