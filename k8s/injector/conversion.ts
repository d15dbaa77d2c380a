import { isRecord } from "#core/util/json.ts";
import { MalformedReviewError } from "./review.ts";

/**
 * Holds as JSON the routing rules of a v2alpha1 Subscription while somebody reads it as v1alpha1, which has one
 * route only: what is read and written back loses nothing.
 */
export const rulesAnnotation = "outrigger.dev/subscription-rules";

const versions = ["dapr.io/v1alpha1", "dapr.io/v2alpha1"] as const;
type Version = (typeof versions)[number];
const group = "apiextensions.k8s.io/v1";

export interface ConversionAnswer {
  readonly apiVersion: typeof group;
  readonly kind: "ConversionReview";
  readonly response: {
    readonly uid: string;
    readonly result:
      | { readonly status: "Success" }
      | { readonly status: "Failure"; readonly message: string };
    readonly convertedObjects: readonly unknown[];
  };
}

/**
 * Answers a ConversionReview for Subscriptions of v1alpha1 and v2alpha1. Throws a `MalformedReviewError`. A
 * failure of one object fails the list that it is in, so only what is not a Subscription fails.
 */
export function reviewConversion(review: unknown): ConversionAnswer {
  if (!isRecord(review) || review["kind"] !== "ConversionReview" || review["apiVersion"] !== group)
    throw new MalformedReviewError(`The body is not a ConversionReview of ${group}`);
  const request = review["request"];
  if (
    !isRecord(request) ||
    typeof request["uid"] !== "string" ||
    !Array.isArray(request["objects"])
  )
    throw new MalformedReviewError("The ConversionReview has no request with a uid and objects");
  const { uid, objects, desiredAPIVersion } = request;
  const answer = (response: Omit<ConversionAnswer["response"], "uid">): ConversionAnswer => ({
    apiVersion: group,
    kind: "ConversionReview",
    response: { uid: uid as string, ...response },
  });
  try {
    const to = versionOf(desiredAPIVersion);
    const convertedObjects = objects.map((object) => convert(object, to));
    return answer({ result: { status: "Success" }, convertedObjects });
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason);
    return answer({ result: { status: "Failure", message }, convertedObjects: [] });
  }
}

function versionOf(text: unknown): Version {
  const version = versions.find((each) => each === text);
  if (version) return version;
  throw new Error(`Subscriptions are of ${versions.join(" and ")}, not ${JSON.stringify(text)}`);
}

function convert(object: unknown, to: Version): unknown {
  if (!isRecord(object) || object["kind"] !== "Subscription")
    throw new Error("Only Subscriptions are converted here");
  const from = versionOf(object["apiVersion"]);
  if (from === to) return object;
  return to === "dapr.io/v1alpha1" ? toV1(object) : toV2(object);
}

type Fields = Readonly<Record<string, unknown>>;

/** One route: the default one; rules go into the annotation. */
function toV1(object: Fields): unknown {
  const { routes, ...rest } = fieldsOf(object["spec"]);
  const { rules, default: route = "", ...others } = fieldsOf(routes);
  const hidden = { ...(hasItems(rules) ? { rules } : {}), ...others };
  const text = Object.keys(hidden).length === 0 ? undefined : JSON.stringify(hidden);
  return {
    ...object,
    apiVersion: "dapr.io/v1alpha1",
    metadata: withRules(object["metadata"], text),
    spec: { ...rest, route },
  };
}

/** The route is the default one, whatever it was before; rules come out of the annotation. */
function toV2(object: Fields): unknown {
  const { route, ...rest } = fieldsOf(object["spec"]);
  const metadata = fieldsOf(object["metadata"]);
  const hidden = readRules(fieldsOf(metadata["annotations"])[rulesAnnotation]);
  return {
    ...object,
    apiVersion: "dapr.io/v2alpha1",
    // An annotation that cannot be read is somebody's own text, and stays.
    metadata: hidden ? withRules(metadata, undefined) : object["metadata"],
    spec: {
      ...rest,
      routes: { ...hidden, ...(route === undefined || route === "" ? {} : { default: route }) },
    },
  };
}

function readRules(text: unknown): Fields | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Array.isArray(value["rules"] ?? [])) return undefined;
    const { default: _of, ...hidden } = value;
    return hidden;
  } catch {
    return undefined;
  }
}

function withRules(metadata: unknown, text: string | undefined): unknown {
  const fields = fieldsOf(metadata);
  const { [rulesAnnotation]: _old, ...annotations } = fieldsOf(fields["annotations"]);
  if (text !== undefined)
    return { ...fields, annotations: { ...annotations, [rulesAnnotation]: text } };
  if (fields["annotations"] === undefined) return metadata;
  const { annotations: _all, ...others } = fields;
  return Object.keys(annotations).length === 0 ? others : { ...others, annotations };
}

function hasItems(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}
