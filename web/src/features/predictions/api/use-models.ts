import { useQuery } from "@tanstack/react-query";
import type { ModelCard, ModelList } from "@/api/generated/types.gen";
import { ask } from "@/api/http";
import { reference } from "../lib/models";

/** The models that the server knows, and the one of a request that names none. */
export function useModels(): { models: ModelCard[]; fallback: ModelCard | undefined } {
  const { data } = useQuery({
    queryKey: ["models"],
    queryFn: async ({ signal }) =>
      (await (await ask("/api/v1/models", { signal })).json()) as ModelList,
  });
  const models = data?.items ?? [];
  return { models, fallback: models.find((card) => reference(card) === data?.default) };
}
