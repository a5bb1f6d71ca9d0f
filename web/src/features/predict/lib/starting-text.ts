type Schema = Record<string, unknown>;

/** A JSON text to begin with: what a schema gives as examples or defaults, and empty places for the rest. */
export function startingText(schema: unknown): string {
  const root = (schema ?? {}) as Schema;
  return JSON.stringify(startingValue(root, (root.$defs ?? {}) as Record<string, Schema>), null, 2);
}

const EMPTY: Record<string, unknown> = { number: 0, integer: 0, string: "", boolean: false };

function startingValue(schema: Schema, definitions: Record<string, Schema>): unknown {
  if (Array.isArray(schema.examples)) {
    return schema.examples[0];
  }
  if ("default" in schema) {
    return schema.default;
  }
  if (typeof schema.$ref === "string") {
    return startingValue(
      definitions[schema.$ref.replace("#/$defs/", "")] ?? {},
      Object.fromEntries(
        Object.entries(definitions).filter(
          ([name]) => !schema.$ref?.toString().endsWith(`/${name}`),
        ),
      ),
    );
  }
  if (schema.type === "object") {
    const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
    return Object.fromEntries(
      fields.map(([name, field]) => [name, startingValue(field, definitions)]),
    );
  }
  if (schema.type === "array") {
    return [startingValue((schema.items ?? {}) as Schema, definitions)];
  }
  return EMPTY[String(schema.type)] ?? null;
}
