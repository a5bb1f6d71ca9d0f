const LEAST_VECTOR = 17;

/** Whether a value is a list of numbers too long to be read one by one: an embedding, say. */
export function isVector(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length >= LEAST_VECTOR &&
    value.every((one) => typeof one === "number")
  );
}

/** The named parts of a list or an object; nothing where a value has none. */
export function entriesOf(value: unknown): [string, unknown][] | undefined {
  return typeof value === "object" && value !== null ? Object.entries(value) : undefined;
}
