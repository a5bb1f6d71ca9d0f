import { isTerminal } from "@/api/filters";
import type { Prediction, State } from "@/api/generated/types.gen";
import type { Upload } from "./upload-queue";

/** One picture of the page: still to be sent, or a prediction. */
export type Item =
  | { id: string; name: string | null; upload: Upload; prediction?: undefined }
  | { id: string; name: string | null; prediction: Prediction; upload?: undefined };

// As file managers do: photo-2 before photo-10.
const BY_NAME = new Intl.Collator(undefined, { numeric: true });

/** The pictures of some batches by name, drop after drop: none changes its place when it is accepted. */
export function itemsOfBatches(
  batches: readonly string[],
  predictions: readonly Prediction[],
  uploads: readonly Upload[],
): Item[] {
  const place = new Map(batches.map((batch, index) => [batch, index]));
  const placeOf = (batch: string | null) => place.get(batch ?? "") ?? batches.length;
  const accepted = predictions.map(
    (prediction): Item => ({ id: prediction.task_id, name: prediction.input.filename, prediction }),
  );
  const sending = uploads
    .filter(({ batch }) => place.has(batch))
    .map((upload): Item => ({ id: upload.key, name: upload.file.name, upload }));
  return [...accepted, ...sending].sort(
    (one, other) =>
      placeOf(batchOf(one)) - placeOf(batchOf(other)) ||
      BY_NAME.compare(one.name ?? "", other.name ?? "") ||
      one.id.localeCompare(other.id),
  );
}

function batchOf({ prediction, upload }: Item): string | null {
  return prediction ? prediction.batch : upload.batch;
}

/** How far some pictures have come. */
export interface Tally {
  total: number;
  unsent: number;
  refused: number;
  states: Record<State, number>;
  ended: number;
  /** Share of the whole way that is done, 0 to 1: half of it is sending. */
  share: number;
}

/** How far some pictures have come. */
export function tallyOf(items: readonly Item[]): Tally {
  const states: Tally["states"] = { queued: 0, running: 0, succeeded: 0, failed: 0, canceled: 0 };
  let unsent = 0;
  let refused = 0;
  let ended = 0;
  let share = 0;
  for (const { prediction, upload } of items) {
    if (prediction) {
      const over = isTerminal(prediction);
      states[prediction.state]++;
      ended += over ? 1 : 0;
      share += over ? 1 : 0.5;
    } else if (upload.state === "refused") {
      refused++;
      ended++;
      share++;
    } else {
      unsent++;
      share += upload.share / 2;
    }
  }
  const total = items.length;
  return { total, unsent, refused, states, ended, share: total ? share / total : 0 };
}
