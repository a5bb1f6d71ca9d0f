import { useDidUpdate, useThrottledCallback } from "@mantine/hooks";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { webhooksList } from "@/api/generated/sdk.gen";
import type { Delivery, DeliveryState } from "@/api/generated/types.gen";
import { answer } from "@/api/http";
import { useLive } from "@/api/live/live-provider";
import { nextLook } from "../lib/deliveries";
import { disabledOptions } from "./webhooks";

const LEAST_GAP_MS = 1_000;
const DELIVERIES = ["account", "deliveries"];
const PAGE = 25;

/**
 * The log of deliveries, newest first, page by page; of one state, or of all.
 * It is asked for again when a prediction has changed, and when an attempt is due that the log announces.
 */
export function useDeliveries(state: DeliveryState | null) {
  const { cache, status } = useLive();
  const list = useInfiniteQuery({
    queryKey: [...DELIVERIES, state],
    queryFn: ({ pageParam, signal }) =>
      answer(webhooksList({ query: { state, limit: PAGE, cursor: pageParam }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchOnWindowFocus: true,
    refetchInterval: ({ state: { data } }) =>
      nextLook(data?.pages.flatMap(({ items }) => items) ?? [], Date.now()),
  });
  const refresh = useRefresh();
  const refreshSoon = useThrottledCallback(refresh, LEAST_GAP_MS);
  useEffect(() => cache.subscribe(refreshSoon), [cache, refreshSoon]);
  // What ended before events came is told by none.
  useDidUpdate(refreshSoon, [status]);
  // An attempt that the log tells of may be the one that its receiver answered with 410.
  const client = useQueryClient();
  useDidUpdate(() => void client.invalidateQueries(disabledOptions), [client, list.dataUpdatedAt]);
  const items: Delivery[] = list.data?.pages.flatMap((page) => page.items) ?? [];
  return { ...list, items };
}

/** Asks for the log again. */
export function useRefresh(): () => void {
  const client = useQueryClient();
  return useCallback(() => void client.invalidateQueries({ queryKey: DELIVERIES }), [client]);
}
