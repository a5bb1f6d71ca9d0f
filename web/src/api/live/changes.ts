import { isTerminal, matches, type PredictionFilter } from "@/api/filters";
import type { Prediction, QueuePlace } from "@/api/generated/types.gen";
import type { PredictionPages } from "@/api/predictions";

/** What has happened to a prediction: it is now so, has another place in the queue, or is gone. */
export type Change = { prediction: Prediction } | { queue: QueuePlace } | "deleted";

/** What is to be known of a prediction: an end is final, whatever arrives late. */
export function newer(known: Prediction | undefined, told: Prediction): Prediction {
  return known && isTerminal(known) && !isTerminal(told) ? known : told;
}

/** A prediction after a change; nothing where it is gone. */
export function changed(known: Prediction, change: Change): Prediction | undefined {
  if (change === "deleted") {
    return undefined;
  }
  if ("prediction" in change) {
    return newer(known, change.prediction);
  }
  return known.state === "queued" ? { ...known, queue: change.queue } : known;
}

/** The pages of a list after changes; the very same pages where none concerns them. */
export function applyToPages(
  pages: PredictionPages,
  filter: PredictionFilter,
  changes: ReadonlyMap<string, Change>,
): PredictionPages {
  const fresh = new Map(changes);
  let touched = false;
  const applied = pages.pages.map((page) => {
    if (!page.items.some(({ task_id }) => changes.has(task_id))) {
      return page;
    }
    touched = true;
    const items = page.items.flatMap((item) => {
      const change = changes.get(item.task_id);
      fresh.delete(item.task_id);
      const now = change ? changed(item, change) : item;
      return now && matches(filter, now) ? [now] : [];
    });
    return { ...page, items };
  });
  const added = additions(pages, filter, fresh);
  const [first, ...rest] = applied;
  if (!first || (added.length === 0 && !touched)) {
    return pages;
  }
  const items = added.length === 0 ? first.items : [...added, ...first.items].sort(newestFirst);
  return { ...pages, pages: [{ ...first, items }, ...rest] };
}

/** What is new and belongs on the pages that are there: not what would come after their end. */
function additions(
  pages: PredictionPages,
  filter: PredictionFilter,
  changes: ReadonlyMap<string, Change>,
): Prediction[] {
  const last = pages.pages.at(-1);
  const end = last?.next_cursor ? last.items.at(-1)?.created_at : undefined;
  const told = [...changes.values()].flatMap((change) =>
    change !== "deleted" && "prediction" in change ? [change.prediction] : [],
  );
  return told.filter(
    (prediction) => matches(filter, prediction) && (!end || prediction.created_at >= end),
  );
}

function newestFirst(one: Prediction, other: Prediction): number {
  return Date.parse(other.created_at) - Date.parse(one.created_at);
}
