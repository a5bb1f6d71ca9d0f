import type { ModelCard } from "@/api/generated/types.gen";

export type ParameterValue = number | string | boolean | string[] | null;
export type ParameterValues = Record<string, ParameterValue>;

interface Described {
  name: string;
  description: string;
}

/** A field of the form of a model's parameters. */
export type Field = Described &
  (
    | { kind: "number"; whole: boolean; least?: number; most?: number; initial: number | null }
    | { kind: "boolean"; initial: boolean }
    | { kind: "choice"; options: string[]; initial: string | null }
    | { kind: "choices"; options: string[]; initial: string[] | null }
    | { kind: "text"; initial: string | null }
  );

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

/** The fields of a card's parameters, in its order; what no field can be made for is left to its default. */
export function fieldsOf(card: Pick<ModelCard, "parameters">): Field[] {
  const properties = (card.parameters.properties ?? {}) as Record<string, Schema>;
  return Object.entries(properties).flatMap(([name, schema]) => {
    const field = fieldOf(schema, { name, description: schema.description ?? "" });
    return field ? [field] : [];
  });
}

/** What of the values differs from the fields' defaults, or names what the card does not: to be sent. */
export function changedFrom(fields: Field[], values: ParameterValues): ParameterValues {
  const initial = new Map(fields.map((field) => [field.name, field.initial]));
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) =>
        initial.has(name) && JSON.stringify(value) !== JSON.stringify(initial.get(name)),
    ),
  );
}

/** Parameters as form fields or a query string have them: a list is repeated, null is left out. */
export function toPairs(values: ParameterValues): [string, string][] {
  return Object.entries(values).flatMap(([name, value]): [string, string][] => {
    if (value === null) {
      return [];
    }
    return Array.isArray(value) ? value.map((one) => [name, one]) : [[name, String(value)]];
  });
}

function fieldOf(schema: Schema, described: Described): Field | undefined {
  const types = [schema.type ?? []].flat();
  if (types.includes("array")) {
    const options = textsOf(schema.items?.enum);
    return (
      options && {
        kind: "choices",
        options,
        initial: textsOf(schema.default) ?? null,
        ...described,
      }
    );
  }
  const options = textsOf(schema.enum);
  if (options) {
    return { kind: "choice", options, initial: typed(schema.default, "string"), ...described };
  }
  if (types.includes("boolean")) {
    return { kind: "boolean", initial: schema.default === true, ...described };
  }
  if (types.includes("integer") || types.includes("number")) {
    return {
      kind: "number",
      whole: types.includes("integer"),
      ...(schema.minimum === undefined ? {} : { least: schema.minimum }),
      ...(schema.maximum === undefined ? {} : { most: schema.maximum }),
      initial: typed(schema.default, "number"),
      ...described,
    };
  }
  return types.includes("string")
    ? { kind: "text", initial: typed(schema.default, "string"), ...described }
    : undefined;
}

interface Primitives {
  string: string;
  number: number;
}

function typed<K extends keyof Primitives>(value: unknown, type: K): Primitives[K] | null {
  // The type is one of the two names above.
  return typeof value === type ? (value as Primitives[K]) : null;
}

function textsOf(values: unknown): string[] | undefined {
  return Array.isArray(values) && values.every((value) => typeof value === "string")
    ? values
    : undefined;
}
