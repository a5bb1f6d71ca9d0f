import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import {
  batchesGet,
  eventsFollow,
  eventsFollowPrediction,
  modelsList,
  type Prediction,
  picturesAnnotated,
  predictionsCancel,
  predictionsCreate,
  predictionsDelete,
  predictionsDeleteMany,
  predictionsExport,
  predictionsGet,
  predictionsList,
  predictionsRerun,
} from "@/api/generated";
import { client } from "@/api/generated/client.gen";

/** What no worker takes: tests/contract/test_typescript_client.py leaves this batch alone. */
const HELD = "held";

let photo: Blob;

beforeAll(async () => {
  const headers = { Authorization: `Bearer ${process.env.INFERQ_E2E_KEY}` };
  client.setConfig({ baseUrl: process.env.INFERQ_E2E_URL, headers });
  const bytes = new Uint8Array(await readFile(process.env.INFERQ_E2E_PHOTOS ?? ""));
  photo = new Blob([bytes], { type: "image/jpeg" });
});

async function submit(batch: string): Promise<Prediction> {
  const { data } = await predictionsCreate({ body: photo, query: { batch }, throwOnError: true });
  return data;
}

function labels({ result }: Prediction): string[] {
  return result?.kind === "detections" ? result.detections.map(({ label }) => label) : [];
}

test("a photograph is submitted and its detections are waited for", async () => {
  const { data, response } = await predictionsCreate({
    body: photo,
    headers: { prefer: "wait=20" },
    query: { score_threshold: 0.4, classes: ["cat", "dog"], metadata: '{"camera": 7}' },
    throwOnError: true,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("Preference-Applied")).toBe("wait=20");
  expect(data.state).toBe("succeeded");
  expect(labels(data)).toEqual(["cat"]);
  expect(data.parameters).toMatchObject({ score_threshold: 0.4, classes: ["cat", "dog"] });
  expect(data.metadata).toEqual({ camera: 7 });
  const picture = await picturesAnnotated({ path: data, throwOnError: true });
  expect(picture.data.type).toBe("image/jpeg");
});

test("the same key makes one prediction", async () => {
  const key = { "idempotency-key": "typescript-1" };
  const ids = await Promise.all(
    [1, 2, 3].map(async () => {
      const { data } = await predictionsCreate({ body: photo, headers: key, throwOnError: true });
      return data.task_id;
    }),
  );
  expect(new Set(ids).size).toBe(1);
});

test("a prediction is followed to its end", async () => {
  const { task_id } = await submit("followed");
  const states: (string | undefined)[] = [];
  const { stream } = await eventsFollowPrediction({
    path: { task_id },
    onSseEvent: ({ event }) => states.push(event),
  });
  let last: unknown;
  for await (const told of stream) {
    last = told;
  }
  expect(states.at(-1)).toBe("succeeded");
  expect(labels(last as Prediction)).toEqual(["cat"]);
});

test("a batch is followed while it is made", async () => {
  const stop = new AbortController();
  const { stream } = await eventsFollow({ query: { batch: "watched" }, signal: stop.signal });
  expect((await stream.next()).value).toEqual({ items: [], complete: true });
  const { task_id } = await submit("watched");
  for await (const told of stream) {
    const prediction = told as unknown as Prediction;
    expect(prediction.task_id).toBe(task_id);
    if (prediction.state === "succeeded") {
      break;
    }
  }
  stop.abort();
});

test("what waits is listed, canceled, run again and deleted", async () => {
  const made = [await submit(HELD), await submit(HELD), await submit(HELD)];
  const ids = made.map(({ task_id }) => task_id).reverse();
  const query = { batch: [HELD], limit: 2 };
  const first = await predictionsList({ query, throwOnError: true });
  const cursor = first.data.next_cursor;
  const second = await predictionsList({ query: { ...query, cursor }, throwOnError: true });
  expect([...first.data.items, ...second.data.items].map((item) => item.task_id)).toEqual(ids);
  expect(second.data.next_cursor).toBeNull();

  const [one = "", ...others] = ids;
  const canceled = await predictionsCancel({ path: { task_id: one }, throwOnError: true });
  expect(canceled.data.state).toBe("canceled");
  const again = await predictionsRerun({ path: { task_id: one }, throwOnError: true });
  expect(again.data.rerun_of).toBe(one);
  const batch = await batchesGet({ path: { batch: HELD }, throwOnError: true });
  expect(batch.data.counts).toMatchObject({ queued: 3, canceled: 1 });

  const deleted = await predictionsDelete({ path: { task_id: one } });
  expect(deleted.response?.status).toBe(204);
  const body = { ids: [...others, again.data.task_id, one] };
  expect((await predictionsDeleteMany({ body, throwOnError: true })).data.deleted).toBe(3);
  expect((await predictionsGet({ path: { task_id: one } })).error?.code).toBe("not_found");
});

test("predictions are exported", async () => {
  const { task_id } = await submit("exported");
  await predictionsGet({ path: { task_id }, headers: { prefer: "wait=20" }, throwOnError: true });
  const { data } = await predictionsExport({
    query: { format: "coco", batch: ["exported"] },
    parseAs: "blob",
    throwOnError: true,
  });
  const coco = JSON.parse(await data.text());
  expect(coco.images).toHaveLength(1);
  expect(coco.annotations).toHaveLength(1);
});

test("models tell their labels and parameters", async () => {
  const { data } = await modelsList({ throwOnError: true });
  expect(data.items.map(({ name, version }) => `${name}@${version}`)).toContain(data.default);
  expect(data.items[0]?.parameters).toHaveProperty("properties.score_threshold");
});

test("what is wrong comes as a typed problem", async () => {
  const { error, response } = await predictionsCreate({
    body: photo,
    query: { score_threshold: 7 },
  });
  expect(response?.status).toBe(422);
  expect(error?.code).toBe("invalid_parameter");
  expect(error?.errors?.map(({ pointer }) => pointer)).toEqual(["/score_threshold"]);
  expect(error?.retryable).toBe(false);
  expect(error?.trace_id).toBe(response?.headers.get("X-Request-ID"));
});
