import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from "react";
import type { LiveStatus } from "./follow";
import { LiveCache } from "./live-cache";
import { poll } from "./poll";
import { followAmongTabs } from "./tabs";

interface Live {
  cache: LiveCache;
  status: LiveStatus;
}

const LiveContext = createContext<Live | null>(null);

/** Keeps everything below it up to date by the server's events, over one connection. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const cache = useMemo(() => new LiveCache(client), [client]);
  const [status, setStatus] = useState<LiveStatus>("connecting");
  useEffect(() => {
    const stop = new AbortController();
    const stopMending = cache.start();
    void followAmongTabs(stop.signal, {
      onEvent: cache.onEvent,
      onStatus: setStatus,
      poll: (signal) => poll(signal, client, cache),
    });
    return () => {
      stop.abort();
      stopMending();
    };
  }, [cache, client]);
  const live = useMemo(() => ({ cache, status }), [cache, status]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** How the page hears of changes, and the cache that they are written to. */
export function useLive(): Live {
  const live = use(LiveContext);
  if (!live) {
    throw new Error("There is no LiveProvider around this.");
  }
  return live;
}
