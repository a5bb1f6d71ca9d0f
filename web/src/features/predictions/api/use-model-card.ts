import { useQuery } from "@tanstack/react-query";
import type { ModelCard, ModelReference } from "@/api/generated/types.gen";
import { ask } from "@/api/http";

const FALLBACK = 0.5;

/** What the model of a prediction says of itself; undefined until it is known. */
export function useModelCard(model: ModelReference | undefined): ModelCard | undefined {
  const reference = model && `${model.name}@${model.version}`;
  const { data } = useQuery({
    queryKey: ["model", reference],
    queryFn: async ({ signal }) =>
      (await (await ask(`/api/v1/models/${reference}`, { signal })).json()) as ModelCard,
    enabled: model !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data;
}

/** The score from which on a model shows detections: the default of its `score_threshold`, where it has one. */
export function defaultThreshold(card: Pick<ModelCard, "parameters"> | undefined): number {
  const properties = card?.parameters.properties as
    | Record<string, { default?: unknown }>
    | undefined;
  const value = properties?.score_threshold?.default;
  return typeof value === "number" ? value : FALLBACK;
}
