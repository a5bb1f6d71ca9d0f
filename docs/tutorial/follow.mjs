// Submit 100 photographs as one batch, follow them as they finish, cancel the last ten, export the rest.
//
// Run: INFERQ_API_KEY=$(cat data/local.key) node follow.mjs FOLDER [URL]; it writes batch.coco.json. But for the files and
// the key (a page that has signed in needs none), a browser runs all of it as well.

import { readdir, readFile, writeFile } from "node:fs/promises";

const [folder, url = "http://127.0.0.1:8000", key = process.env.INFERQ_API_KEY] = process.argv.slice(2);
const batch = `tutorial-${crypto.randomUUID().slice(0, 8)}`;

const call = async (path, { headers, ...options } = {}) => {
  const response = await fetch(`${url}/api/v1${path}`, { ...options, headers: { Authorization: `Bearer ${key}`, ...headers } });
  return response.ok ? response : Promise.reject(new Error((await response.json()).detail));
};

async function* follow(path, headers = {}) {
  for (let rest = ""; ; rest = "") {
    try {
      for await (const text of (await call(path, { headers })).body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const [field, value] of lines.map((line) => line.split(/: (.*)/))) {
          if (field === "id") headers["Last-Event-ID"] = value;
          if (field === "data") yield JSON.parse(value);
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // only a lost connection is one
      await new Promise((resume) => setTimeout(resume, 500)); // then go on behind the last event
    }
  }
}

const names = (await readdir(folder)).filter((name) => name.endsWith(".jpg"));
const submit = async (n) => {
  const body = new Blob([await readFile(`${folder}/${names[n % names.length]}`)], { type: "image/jpeg" });
  return (await call(`/predictions?batch=${batch}`, { method: "POST", body })).json();
};
const [made, unfinished] = [[], new Set()];
for (let n = 0; n < 100; n += 4) made.push(...(await Promise.all([n, n + 1, n + 2, n + 3].map(submit))));
// What has finished already stays as it is: 409.
await Promise.allSettled(made.slice(-10).map(({ task_id }) => call(`/predictions/${task_id}/cancel`, { method: "POST" })));

for await (const { items, complete, task_id, state } of follow(`/events?batch=${batch}`)) {
  if (!items && !task_id) unfinished.clear(); // resync: all of it comes again
  if (complete !== undefined) for (const item of items) unfinished.add(item.task_id); // a snapshot, or a part of it
  if (complete) console.log(unfinished.size, "to follow");
  if (!["queued", "running"].includes(state) && unfinished.delete(task_id)) console.log(task_id, state ?? "deleted");
  if ((complete ?? task_id) && unfinished.size === 0) break;
}

await writeFile("batch.coco.json", (await call(`/predictions/export?format=coco&batch=${batch}`)).body);
