import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { PredictionPages } from "@/api/predictions";
import { batchesOptions } from "./use-items";

const EMPTY: PredictionPages = { pages: [{ items: [], next_cursor: null }], pageParams: [null] };

/** The batches that the page shows, kept in its address, so that a reload shows the same. */
export function useBatches() {
  const client = useQueryClient();
  const [params, setParams] = useSearchParams();
  const joined = params.getAll("batch").join("\n");
  const batches = useMemo(() => (joined ? joined.split("\n") : []), [joined]);
  const show = useCallback(
    (batch: string) => {
      const all = [...batches, batch];
      // The new batch has nothing yet: what is known of the others is all there is.
      const known =
        batches.length > 0 ? client.getQueryData(batchesOptions(batches).queryKey) : EMPTY;
      if (known) {
        client.setQueryData(batchesOptions(all).queryKey, known);
      }
      setParams({ batch: all }, { replace: batches.length > 0 });
    },
    [batches, client, setParams],
  );
  const clear = useCallback(() => setParams({}), [setParams]);
  return { batches, show, clear };
}
