import type { Prediction, Problem } from "@/api/generated/types.gen";
import { isRetryable, problemOf, retryDelay } from "@/api/http";

/** One picture that is to be sent. */
export interface Upload {
  /** Its idempotency key: however often it is sent, it makes one prediction. */
  readonly key: string;
  readonly file: File;
  readonly batch: string;
  /** Form fields beside the picture: the model and its parameters. */
  readonly fields: readonly (readonly [string, string])[];
  readonly state: "waiting" | "sending" | "refused";
  /** How much has been sent, 0 to 1. */
  readonly share: number;
  readonly problem: Problem | null;
}

export type NewUpload = Pick<Upload, "key" | "file" | "batch" | "fields">;

/** What there is to send, and what holds it up. */
export interface UploadsSnapshot {
  readonly uploads: readonly Upload[];
  readonly paused: boolean;
  /** Why nothing is sent for a while: the server is busy or away, and when it is asked again (epoch, ms). */
  readonly held: { readonly code: string; readonly until: number } | null;
}

export interface Sending {
  signal: AbortSignal;
  onProgress: (share: number) => void;
}

/** What the queue needs from outside. */
export interface UploadTools {
  send: (upload: Upload, sending: Sending) => Promise<Prediction>;
  onAccepted: (prediction: Prediction, upload: Upload) => void;
  /** Told of a prediction whose upload was given up when all of it was on its way already. */
  onUnwanted: (prediction: Prediction) => void;
  /** Keeps uploads over a reload of the page. */
  keep: (uploads: readonly NewUpload[]) => void;
  forget: (keys: readonly string[]) => void;
}

const AT_ONCE = 3;

/** Sends pictures a few at a time, in their order; what the server cannot take now waits as long as it asks. */
export class UploadQueue {
  private uploads: readonly Upload[] = [];
  private paused = false;
  private held: UploadsSnapshot["held"] = null;
  private snapshot: UploadsSnapshot = { uploads: [], paused: false, held: null };
  private readonly listeners = new Set<() => void>();
  private readonly aborts = new Map<string, AbortController>();
  private readonly unwanted = new Set<string>();
  private failures = 0;

  constructor(private readonly tools: UploadTools) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getSnapshot = (): UploadsSnapshot => this.snapshot;

  /** Takes in pictures; one with a problem is refused before it is sent. */
  add(added: readonly (NewUpload & { problem?: Problem | null })[]): void {
    const known = new Set(this.uploads.map(({ key }) => key));
    const fresh = added
      .filter(({ key }) => !known.has(key))
      .map((upload): Upload => {
        const problem = upload.problem ?? null;
        return { ...upload, state: problem ? "refused" : "waiting", share: 0, problem };
      });
    this.tools.keep(fresh.filter(({ state }) => state === "waiting"));
    this.change({ uploads: [...this.uploads, ...fresh] });
    this.start();
  }

  pause(): void {
    this.change({ paused: true });
    for (const [key, abort] of this.aborts) {
      abort.abort();
      this.update(key, { state: "waiting", share: 0 });
    }
  }

  resume(): void {
    this.change({ paused: false, held: null });
    this.start();
  }

  /** Gives uploads up, sent in part or not at all. */
  cancel(keys: readonly string[]): void {
    const gone = new Set(keys);
    for (const { key, share } of this.uploads.filter((upload) => gone.has(upload.key))) {
      // The server may have accepted what was sent whole: its answer tells which prediction to cancel.
      if (share === 1 && this.aborts.has(key)) {
        this.unwanted.add(key);
      } else {
        this.aborts.get(key)?.abort();
      }
    }
    this.change({ uploads: this.uploads.filter(({ key }) => !gone.has(key)) });
    this.tools.forget(keys);
    this.start();
  }

  /** Sends again what was refused. */
  retry(key: string): void {
    this.update(key, { state: "waiting", share: 0, problem: null });
    this.start();
  }

  private start(): void {
    while (!this.paused && !this.held && this.aborts.size < AT_ONCE) {
      const next = this.uploads.find(
        ({ key, state }) => state === "waiting" && !this.aborts.has(key),
      );
      if (!next) {
        return;
      }
      void this.send(next);
    }
  }

  private async send(upload: Upload): Promise<void> {
    const { key } = upload;
    const abort = new AbortController();
    this.aborts.set(key, abort);
    this.update(key, { state: "sending", share: 0 });
    try {
      const prediction = await this.tools.send(upload, {
        signal: abort.signal,
        onProgress: (share) => this.update(key, { share }),
      });
      this.failures = 0;
      this.tools.forget([key]);
      if (this.unwanted.has(key)) {
        this.tools.onUnwanted(prediction);
        return;
      }
      this.tools.onAccepted(prediction, upload);
      this.change({ uploads: this.uploads.filter((one) => one.key !== key) });
    } catch (error) {
      if (!abort.signal.aborted && !this.unwanted.has(key)) {
        this.fail(key, error);
      }
    } finally {
      this.aborts.delete(key);
      this.unwanted.delete(key);
      this.start();
    }
  }

  private fail(key: string, error: unknown): void {
    const problem = problemOf(error);
    if (!isRetryable(error)) {
      this.tools.forget([key]);
      this.update(key, { state: "refused", problem });
      return;
    }
    this.update(key, { state: "waiting", share: 0 });
    if (this.held) {
      return;
    }
    const delay = retryDelay(error, this.failures++);
    const held = { code: problem.code, until: Date.now() + delay };
    this.change({ held });
    setTimeout(() => {
      if (this.held === held) {
        this.change({ held: null });
        this.start();
      }
    }, delay);
  }

  private update(key: string, changes: Partial<Upload>): void {
    this.change({
      uploads: this.uploads.map((upload) =>
        upload.key === key ? { ...upload, ...changes } : upload,
      ),
    });
  }

  private change(changes: Partial<UploadsSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    this.uploads = this.snapshot.uploads;
    this.paused = this.snapshot.paused;
    this.held = this.snapshot.held;
    for (const listener of this.listeners) {
      listener();
    }
  }
}
