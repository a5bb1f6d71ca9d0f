import { useCallback, useMemo, useState } from "react";
import type { Prediction } from "@/api/generated/types.gen";

export interface Selection {
  ids: string[];
  has: (taskId: string) => boolean;
  toggle: (taskId: string) => void;
  all: () => void;
  none: () => void;
}

/** Which of the predictions that are shown are chosen; what is no longer shown is not. */
export function useSelection(items: readonly Prediction[]): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const ids = useMemo(
    () => items.map(({ task_id }) => task_id).filter((id) => chosen.has(id)),
    [items, chosen],
  );
  const toggle = useCallback(
    (taskId: string) =>
      setChosen((before) => {
        const after = new Set(before);
        if (!after.delete(taskId)) {
          after.add(taskId);
        }
        return after;
      }),
    [],
  );
  return {
    ids,
    has: (taskId) => chosen.has(taskId),
    toggle,
    all: () => setChosen(new Set(items.map(({ task_id }) => task_id))),
    none: () => setChosen(new Set()),
  };
}
