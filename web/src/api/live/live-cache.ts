import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { isTerminal, type PredictionFilter } from "@/api/filters";
import type { Prediction, QueueList, QueuePlace } from "@/api/generated/types.gen";
import { itemsOf, type PredictionPages, predictionKeys } from "@/api/predictions";
import { queueOptions } from "@/api/queue";
import { applyToPages, type Change, changed } from "./changes";
import type { ServerEvent } from "./stream";

/** The page is brought up to date at most this often, however fast events come; an end waits for no other kind. */
const LEAST_GAP_MS = 50;
/** An answer may have been read by the server before an event that came sooner: events are kept for that long. */
const RECENT_MS = 10_000;

/** Writes what the server tells into the query cache, a few times a second at most. */
export class LiveCache {
  private readonly pending = new Map<string, Change>();
  private readonly recent = new Map<string, { change: Change; at: number }>();
  private readonly listeners = new Set<() => void>();
  private timer = 0;
  private due = Number.POSITIVE_INFINITY;
  private flushed = 0;
  private endsFlushed = 0;
  private snapshot: Set<string> | undefined;
  private connectedBefore = false;

  constructor(private readonly client: QueryClient) {}

  /** Begins to mend answers that are older than what events have told; returns how to end that. */
  readonly start = (): (() => void) =>
    this.client.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.action.type !== "success" || event.action.manual) {
        return;
      }
      if (event.query.queryKey[0] === predictionKeys.all[0]) {
        this.write(event.query.queryKey, this.recentChanges());
      }
    });

  /** Calls back after each time that changes were written; returns how to stop that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Takes in an event of the stream. */
  readonly onEvent = ({ event, data }: ServerEvent): void => {
    switch (event) {
      case undefined:
        return;
      case "snapshot":
        this.takeSnapshot(data as { items: Prediction[]; complete: boolean });
        return;
      case "resync":
        this.refetch();
        return;
      case "queue":
        for (const { task_id, queue } of (
          data as { items: { task_id: string; queue: QueuePlace }[] }
        ).items) {
          // A new place must not hide a change that has not been written yet.
          if (!this.pending.has(task_id)) {
            this.note(task_id, { queue });
          }
        }
        return;
      case "load":
        this.client.setQueryData(queueOptions.queryKey, data as QueueList);
        return;
      case "deleted":
        this.note((data as { task_id: string }).task_id, "deleted");
        return;
      default:
        this.tell(data as Prediction);
    }
  };

  /** Takes in a prediction as it is now. */
  readonly tell = (prediction: Prediction): void => {
    this.note(prediction.task_id, { prediction });
  };

  /** Takes in a prediction as it was when it was accepted; events that overtook the answer know better. */
  readonly tellAccepted = (prediction: Prediction): void => {
    if (!this.recent.has(prediction.task_id)) {
      this.tell(prediction);
    }
  };

  /** Every prediction in the cache that has not ended, oldest first. */
  unfinished(): Prediction[] {
    const lists = this.client.getQueriesData<PredictionPages>({ queryKey: predictionKeys.lists });
    const ones = this.client.getQueriesData<Prediction>({ queryKey: predictionKeys.ones });
    const known = [...lists.flatMap(([, pages]) => itemsOf(pages)), ...ones.map(([, one]) => one)];
    return known
      .filter((one): one is Prediction => one !== undefined && !isTerminal(one))
      .sort((one, other) => one.created_at.localeCompare(other.created_at));
  }

  /** Asks for all that is shown again. */
  refetch(): void {
    void this.client.invalidateQueries({ queryKey: predictionKeys.all });
    void this.client.invalidateQueries({ queryKey: queueOptions.queryKey });
  }

  private takeSnapshot({ items, complete }: { items: Prediction[]; complete: boolean }): void {
    this.snapshot ??= new Set();
    for (const prediction of items) {
      this.snapshot.add(prediction.task_id);
      this.tell(prediction);
    }
    if (!complete) {
      return;
    }
    // What has ended while nobody listened is in no snapshot.
    const there = this.snapshot;
    if (this.connectedBefore || this.unfinished().some(({ task_id }) => !there.has(task_id))) {
      this.refetch();
    }
    this.snapshot = undefined;
    this.connectedBefore = true;
  }

  private note(taskId: string, change: Change): void {
    this.pending.set(taskId, change);
    this.recent.delete(taskId);
    this.recent.set(taskId, { change, at: performance.now() });
    // What one waits for is the end: it must not wait because the start was shown a moment ago.
    const due = (isEnd(change) ? this.endsFlushed : this.flushed) + LEAST_GAP_MS;
    if (due < this.due) {
      clearTimeout(this.timer);
      this.due = due;
      this.timer = window.setTimeout(this.flush, Math.max(0, due - performance.now()));
    }
  }

  private recentChanges(): Map<string, Change> {
    const oldest = performance.now() - RECENT_MS;
    for (const [taskId, { at }] of this.recent) {
      if (at >= oldest) {
        break;
      }
      this.recent.delete(taskId);
    }
    return new Map(Array.from(this.recent, ([taskId, { change }]) => [taskId, change]));
  }

  private readonly flush = (): void => {
    this.due = Number.POSITIVE_INFINITY;
    this.flushed = performance.now();
    const changes = new Map(this.pending);
    if ([...changes.values()].some(isEnd)) {
      this.endsFlushed = this.flushed;
    }
    this.pending.clear();
    this.recentChanges();
    for (const { queryKey } of this.client
      .getQueryCache()
      .findAll({ queryKey: predictionKeys.all })) {
      this.write(queryKey, changes);
    }
    for (const listener of this.listeners) {
      listener();
    }
  };

  private write(key: QueryKey, changes: ReadonlyMap<string, Change>): void {
    if (key[1] === "list") {
      this.client.setQueryData<PredictionPages>(
        key,
        (pages) => pages && applyToPages(pages, key[2] as PredictionFilter, changes),
      );
      return;
    }
    const change = changes.get(String(key[2]));
    const known = this.client.getQueryData<Prediction>(key);
    if (change && known) {
      const now = changed(known, change);
      if (now) {
        this.client.setQueryData(key, now);
      } else {
        void this.client.resetQueries({ queryKey: key });
      }
    }
  }
}

function isEnd(change: Change): boolean {
  return change !== "deleted" && "prediction" in change && isTerminal(change.prediction);
}
