import type { Prediction } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";

/** A language in which a program asks for the same prediction. */
export type SnippetLanguage = "curl" | "python" | "javascript";

/** What stands for an input that came without a name. */
const UNNAMED = { image: "photo.jpg", json: "input.json", file: "input" };

type Value = string | number | boolean | readonly string[];

/** What is asked for: the model, and its parameters as they are on the screen. */
export interface Asked {
  origin: string;
  filename: string;
  model: string;
  parameters: readonly (readonly [string, Value])[];
}

/** What asks for a prediction as it is on the screen; parameters at their defaults are left out. */
export function askedFor(
  prediction: Prediction,
  shown: { origin: string; score: number | null; classes: readonly string[] },
  defaults: Record<string, unknown>,
): Asked {
  const given = new Map<string, Value>();
  for (const [name, value] of Object.entries(prediction.parameters)) {
    const same = JSON.stringify(value) === JSON.stringify(defaults[name] ?? null);
    if (value !== null && !same && name !== "score_threshold") {
      given.set(name, value as Value);
    }
  }
  if (shown.score !== null) {
    given.set("score_threshold", shown.score);
  }
  if (shown.classes.length > 0) {
    given.set("classes", shown.classes);
  }
  return {
    origin: shown.origin,
    filename: prediction.input.filename ?? UNNAMED[prediction.input.kind],
    model: referenceOf(prediction.model),
    parameters: [...given],
  };
}

/** A program that submits an input, waits for the result and prints it. */
export const SNIPPETS: Record<SnippetLanguage, (asked: Asked) => string> = {
  curl,
  python,
  javascript,
};

function curl({ origin, filename, model, parameters }: Asked): string {
  const fields = [
    ["file", `@${filename}`],
    ["model", model],
    ...parameters.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])),
  ].map(([name, value]) => `  -F ${shellQuoted(`${name}=${value}`)}`);
  return [
    "curl -H 'Prefer: wait=30' \\",
    '  -H "Authorization: Bearer $INFERQ_API_KEY" \\',
    ...fields.map((field) => `${field} \\`),
    `  ${origin}/api/v1/predictions`,
  ].join("\n");
}

function python({ origin, filename, model, parameters }: Asked): string {
  const options = [
    JSON.stringify(filename),
    `model=${JSON.stringify(model)}`,
    ...parameters.map(([name, value]) => `${name}=${pythonValue(value)}`),
  ];
  return [
    "from inferq import Client",
    "",
    `with Client(${JSON.stringify(origin)}) as client:`,
    "    prediction = client.predict(",
    ...options.map((option) => `        ${option},`),
    "    )",
    "    print(prediction.result)",
  ].join("\n");
}

function javascript({ origin, filename, model, parameters }: Asked): string {
  const fields = [
    `form.append("model", ${JSON.stringify(model)});`,
    ...parameters.flatMap(([name, value]) =>
      [value]
        .flat()
        .map((one) => `form.append(${JSON.stringify(name)}, ${JSON.stringify(String(one))});`),
    ),
  ];
  return [
    'import { openAsBlob } from "node:fs";',
    "",
    "const form = new FormData();",
    `form.append("file", await openAsBlob(${JSON.stringify(filename)}), ${JSON.stringify(filename)});`,
    ...fields,
    `const answer = await fetch(${JSON.stringify(`${origin}/api/v1/predictions`)}, {`,
    '  method: "POST",',
    "  headers: {",
    '    Prefer: "wait=30",',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the program that fills it in
    "    Authorization: `Bearer ${process.env.INFERQ_API_KEY}`,",
    "  },",
    "  body: form,",
    "});",
    "console.log((await answer.json()).result);",
  ].join("\n");
}

function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function pythonValue(value: Value): string {
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  return JSON.stringify(value);
}
