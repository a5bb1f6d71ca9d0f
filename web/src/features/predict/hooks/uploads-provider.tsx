import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import { predictionsCancel } from "@/api/generated/sdk.gen";
import { useLive } from "@/api/live/live-provider";
import { sendUpload } from "../api/send-upload";
import { newKey } from "../lib/keys";
import { Stash } from "../lib/stash";
import { UploadQueue, type UploadsSnapshot } from "../lib/upload-queue";

/** Files of this page by the prediction that they became: they are shown without asking for them again. */
export type SentFiles = ReadonlyMap<string, File>;

interface Uploads {
  queue: UploadQueue;
  files: SentFiles;
  /** The prediction that an upload became, by the upload's key. */
  became: ReadonlyMap<string, string>;
}

const MOST_FILES = 500;
const UploadsContext = createContext<Uploads | null>(null);

/** Sends what was dropped, on whatever page the reader is meanwhile. */
export function UploadsProvider({ children }: { children: ReactNode }) {
  const { cache } = useLive();
  const { uploads, stash } = useMemo(() => {
    const stash = new Stash(newKey);
    const files = new Map<string, File>();
    const became = new Map<string, string>();
    const queue = new UploadQueue({
      send: sendUpload,
      keep: (kept) => stash.keep(kept),
      forget: (keys) => stash.forget(keys),
      onAccepted: (prediction, { key, file }) => {
        files.set(prediction.task_id, file);
        became.set(key, prediction.task_id);
        const [oldest] = files.keys();
        if (oldest !== undefined && files.size > MOST_FILES) {
          files.delete(oldest);
        }
        cache.tellAccepted(prediction);
      },
      onUnwanted: ({ task_id }) => void predictionsCancel({ path: { task_id } }),
    });
    return { uploads: { queue, files, became }, stash };
  }, [cache]);

  useEffect(() => {
    void stash.restore().then((left) => uploads.queue.add(left));
    const warn = (event: BeforeUnloadEvent) => {
      if (stash.hasUnsaved) {
        event.preventDefault();
      }
    };
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [stash, uploads]);

  return <UploadsContext value={uploads}>{children}</UploadsContext>;
}

/** The queue of uploads, and what has become of them. */
export function useUploads(): Uploads & UploadsSnapshot {
  const uploads = use(UploadsContext);
  if (!uploads) {
    throw new Error("There is no UploadsProvider around this.");
  }
  const snapshot = useSyncExternalStore(uploads.queue.subscribe, uploads.queue.getSnapshot);
  return { ...uploads, ...snapshot };
}
