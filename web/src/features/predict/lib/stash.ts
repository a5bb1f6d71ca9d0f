import { createStore, delMany, entries, setMany, type UseStore } from "idb-keyval";
import type { NewUpload } from "./upload-queue";

const DAY_MS = 86_400_000;
const TAB = "inferq.tab";

interface Stashed extends NewUpload {
  tab: string;
  at: number;
  place: number;
}

/** Keeps uploads of this tab in the browser until they are accepted, so that a reload loses none. */
export class Stash {
  private readonly store: UseStore = createStore("inferq-uploads", "uploads");
  private readonly tab: string;
  private place = 0;
  private readonly unsaved = new Set<string>();

  constructor(newKey: () => string) {
    this.tab = sessionStorage.getItem(TAB) ?? newKey();
    sessionStorage.setItem(TAB, this.tab);
  }

  /** Whether something would be lost by leaving the page now. */
  get hasUnsaved(): boolean {
    return this.unsaved.size > 0;
  }

  keep(uploads: readonly NewUpload[]): void {
    const at = Date.now();
    const rows = uploads.map(({ key, file, batch, fields }): [string, Stashed] => [
      key,
      { key, file, batch, fields, tab: this.tab, at, place: ++this.place },
    ]);
    for (const [key] of rows) {
      this.unsaved.add(key);
    }
    setMany(rows, this.store).then(
      () => {
        for (const [key] of rows) {
          this.unsaved.delete(key);
        }
      },
      // A full disk or a private window: the reader is warned before leaving instead.
      () => {},
    );
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.unsaved.delete(key);
    }
    delMany([...keys], this.store).catch(() => {});
  }

  /** What this tab had not sent when it was left; what others left behind long ago is dropped. */
  async restore(): Promise<NewUpload[]> {
    const all = await entries<string, Stashed>(this.store).catch(() => []);
    const rows = all.map(([, row]) => row);
    const old = rows.filter(({ at }) => at < Date.now() - DAY_MS);
    await delMany(
      old.map(({ key }) => key),
      this.store,
    ).catch(() => {});
    return rows
      .filter((row) => row.tab === this.tab && !old.includes(row))
      .sort((one, other) => one.at - other.at || one.place - other.place);
  }
}
