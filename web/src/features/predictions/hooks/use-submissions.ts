import { useCallback, useReducer } from "react";
import type { ModelCard, Problem } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { submitPrediction } from "../api/submit-prediction";
import type { Tagged } from "../api/use-prediction";

/** One input that was given on this page, and how far it has come. */
export interface Submission {
  id: number;
  filename: string;
  progress: number;
  /** Why it is not sent yet, while it waits for a server that is busy or away. */
  waiting: string | null;
  accepted: Tagged | null;
  problem: Problem | null;
}

type Change = { id: number } & Partial<Omit<Submission, "id">>;
const UPLOADS_AT_ONCE = 3;

let lastId = 0;
let free = UPLOADS_AT_ONCE;
const queued: (() => Promise<void>)[] = [];

/** The inputs given on this page, newest first, and a way to add more for a model. */
export function useSubmissions(): {
  submissions: Submission[];
  add: (files: File[], card: ModelCard | undefined) => void;
} {
  const [submissions, dispatch] = useReducer(reduce, []);
  const add = useCallback((files: File[], card: ModelCard | undefined) => {
    for (const file of files) {
      const id = ++lastId;
      dispatch({ id, filename: file.name });
      queued.push(() => send(file, card, (change) => dispatch({ id, ...change })));
    }
    startUploads();
  }, []);
  return { submissions, add };
}

async function send(
  file: File,
  card: ModelCard | undefined,
  tell: (change: Partial<Submission>) => void,
): Promise<void> {
  try {
    const accepted = await submitPrediction(file, card, {
      onProgress: (progress) => tell({ progress, waiting: null }),
      onWait: (error, delay) =>
        tell({
          waiting: `${problemOf(error).title}. Trying again in ${Math.ceil(delay / 1000)} s.`,
        }),
    });
    tell({ accepted, progress: 1, waiting: null });
  } catch (error) {
    tell({ problem: problemOf(error as Error), waiting: null });
  }
}

function startUploads(): void {
  while (free > 0) {
    const next = queued.shift();
    if (!next) {
      return;
    }
    free--;
    void next().finally(() => {
      free++;
      startUploads();
    });
  }
}

function reduce(submissions: Submission[], change: Change): Submission[] {
  if (submissions.some(({ id }) => id === change.id)) {
    return submissions.map((one) => (one.id === change.id ? { ...one, ...change } : one));
  }
  const blank = { filename: "", progress: 0, waiting: null, accepted: null, problem: null };
  return [{ ...blank, ...change }, ...submissions];
}
