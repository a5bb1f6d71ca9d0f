import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { PredictionFilter } from "@/api/filters";
import { predictionsGet, predictionsList } from "@/api/generated/sdk.gen";
import type { Prediction, PredictionPage } from "@/api/generated/types.gen";
import { answer } from "@/api/http";

export type PredictionPages = InfiniteData<PredictionPage, string | null>;

/** Where the predictions lie in the query cache; the event stream writes there too. */
export const predictionKeys = {
  all: ["predictions"],
  lists: ["predictions", "list"],
  ones: ["predictions", "one"],
  list: (filter: PredictionFilter, limit: number) => ["predictions", "list", filter, limit],
  one: (taskId: string) => ["predictions", "one", taskId],
} as const;

/** Predictions, newest first, page by page; kept up to date by events. */
export function predictionsOptions(filter: PredictionFilter, limit = 50) {
  return infiniteQueryOptions({
    queryKey: predictionKeys.list(filter, limit),
    queryFn: ({ pageParam, signal }) =>
      answer(predictionsList({ query: { ...filter, limit, cursor: pageParam }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** One prediction; kept up to date by events. */
export function predictionOptions(taskId: string) {
  return queryOptions({
    queryKey: predictionKeys.one(taskId),
    queryFn: ({ signal }): Promise<Prediction> =>
      answer(predictionsGet({ path: { task_id: taskId }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** All predictions of the pages that are there. */
export function itemsOf(pages: Pick<PredictionPages, "pages"> | undefined): Prediction[] {
  return pages?.pages.flatMap(({ items }) => items) ?? [];
}
