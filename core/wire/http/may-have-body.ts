/** False for statuses whose answers have no body, whatever their sender says (RFC 9110): a `Response` refuses one. */
export function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}
