import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { itemsOf, predictionsOptions } from "@/api/predictions";
import { type Item, itemsOfBatches } from "../lib/items";
import { useUploads } from "./uploads-provider";

const PAGE = 200;

/** How the page lists the predictions of its batches; the key under which they lie in the query cache. */
export function batchesOptions(batches: string[]) {
  return predictionsOptions({ batch: batches }, PAGE);
}

/** The pictures of some batches: what the server has of them, and what is still to be sent. */
export function useItems(batches: string[]): {
  items: Item[];
  isPending: boolean;
  error: Error | null;
} {
  const { uploads } = useUploads();
  const { data, error, isPending, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    ...batchesOptions(batches),
    enabled: batches.length > 0,
  });
  useEffect(() => {
    if (hasNextPage && !isFetching) {
      void fetchNextPage();
    }
  }, [hasNextPage, isFetching, fetchNextPage]);
  const items = useMemo(
    () => itemsOfBatches(batches, itemsOf(data), uploads),
    [batches, data, uploads],
  );
  return { items, isPending: batches.length > 0 && isPending, error };
}
