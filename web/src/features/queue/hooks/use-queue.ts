import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { queueGet } from "@/api/generated/sdk.gen";
import type { QueueLoad } from "@/api/generated/types.gen";
import { answer } from "@/api/http";
import { useLive } from "@/api/live/live-provider";
import { added, type Sample } from "../lib/samples";

const LEAST_GAP_MS = 1_000;

/** What a model has to do, now and over the last two minutes. */
export interface Load {
  load: QueueLoad;
  queued: Sample[];
  running: Sample[];
  rate: Sample[];
}

/** The queues; asked for again when something has happened, at most once a second. */
export function useQueue() {
  const { cache } = useLive();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["queue"],
    queryFn: ({ signal }) => answer(queueGet({ signal })),
    refetchOnWindowFocus: true,
    refetchOnMount: "always",
  });
  useEffect(() => {
    let timer = 0;
    const unsubscribe = cache.subscribe(() => {
      timer ||= window.setTimeout(() => {
        timer = 0;
        void refetch();
      }, LEAST_GAP_MS);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [cache, refetch]);

  const [history, setHistory] = useState<ReadonlyMap<string, Load>>(new Map());
  useEffect(() => {
    if (data) {
      const at = Date.now();
      setHistory(
        (before) =>
          new Map(data.items.map((load) => [load.model, grown(before.get(load.model), load, at)])),
      );
    }
  }, [data]);
  return { loads: [...history.values()], error, isPending, refetch };
}

function grown(before: Load | undefined, load: QueueLoad, at: number): Load {
  return {
    load,
    queued: added(before?.queued ?? [], { at, value: load.queued }),
    running: added(before?.running ?? [], { at, value: load.running }),
    rate: added(before?.rate ?? [], { at, value: load.per_second ?? 0 }),
  };
}
