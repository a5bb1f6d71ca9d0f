import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { QueueLoad } from "@/api/generated/types.gen";
import { queueOptions } from "@/api/queue";
import { added, type Sample } from "../lib/samples";

/** What a model has to do, now and over the last two minutes. */
export interface Load {
  load: QueueLoad;
  queued: Sample[];
  running: Sample[];
  rate: Sample[];
  workers: Sample[];
}

/** The queues, kept up to date by the server's events. */
export function useQueue() {
  const { data, error, isPending, refetch } = useQuery({
    ...queueOptions,
    refetchOnWindowFocus: true,
    refetchOnMount: "always",
  });
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
    workers: added(before?.workers ?? [], { at, value: load.workers }),
  };
}
