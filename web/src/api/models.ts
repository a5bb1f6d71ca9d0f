import { queryOptions } from "@tanstack/react-query";
import { modelsList } from "@/api/generated/sdk.gen";
import type { ModelCard, ModelReference } from "@/api/generated/types.gen";
import { answer } from "@/api/http";

const FALLBACK_SCORE = 0.5;

/** Every model known to the server. */
export const modelsOptions = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => answer(modelsList({ signal })),
  staleTime: 60_000,
});

/** The full name of a model: `name@version`. */
export function referenceOf({ name, version }: ModelReference): string {
  return `${name}@${version}`;
}

/** The card of a model named in full, or by its name alone. */
export function cardOf(
  cards: readonly ModelCard[] | undefined,
  reference: string | null | undefined,
): ModelCard | undefined {
  return cards?.find((card) => reference === referenceOf(card) || reference === card.name);
}

/** Detections are asked for down to this score; the page filters, so that its slider needs no request. */
export const LEAST_SCORE = 0.05;

/** The score from which on a card shows detections. */
export function defaultScore(card: Pick<ModelCard, "parameters"> | undefined): number {
  const properties = card?.parameters.properties as
    | Record<string, { default?: unknown }>
    | undefined;
  const value = properties?.score_threshold?.default;
  return typeof value === "number" ? value : FALLBACK_SCORE;
}
