import type { PredictionFilter } from "@/api/filters";
import type { State } from "@/api/generated/types.gen";

export const STATES: readonly State[] = ["queued", "running", "succeeded", "failed", "canceled"];

/** What the history's address says: days as the reader's calendar has them. */
export interface Search {
  state: State[];
  model: string[];
  label: string[];
  batch: string;
  /** First and last day, as `2026-11-25`. */
  from: string;
  to: string;
  layout: "gallery" | "table";
}

/** Reads the history's address; what it does not know is passed over. */
export function readSearch(params: URLSearchParams): Search {
  return {
    state: params
      .getAll("state")
      .filter((state): state is State => STATES.includes(state as State)),
    model: params.getAll("model"),
    label: params.getAll("label"),
    batch: params.get("batch") ?? "",
    from: dayOf(params.get("from")),
    to: dayOf(params.get("to")),
    layout: params.get("layout") === "table" ? "table" : "gallery",
  };
}

/** The history's address for a search; what is not asked for is left out. */
export function writeSearch(search: Search): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of ["state", "model", "label"] as const) {
    for (const value of search[name]) {
      params.append(name, value);
    }
  }
  for (const name of ["batch", "from", "to"] as const) {
    if (search[name]) {
      params.set(name, search[name]);
    }
  }
  if (search.layout === "table") {
    params.set("layout", "table");
  }
  return params;
}

/** The server's filter of a history's address. */
export function filterOf(params: URLSearchParams): PredictionFilter {
  const { state, model, label, batch, from, to } = readSearch(params);
  return {
    ...(state.length > 0 && { state }),
    ...(model.length > 0 && { model }),
    ...(label.length > 0 && { label }),
    ...(batch && { batch: [batch] }),
    // The server leaves the moment itself out, so a day begins just before it does.
    ...(from && { created_after: new Date(startOf(from) - 1).toISOString() }),
    ...(to && { created_before: new Date(startOf(to, 1)).toISOString() }),
  };
}

/** Whether a search leaves anything out. */
export function isNarrowed(search: Search): boolean {
  return writeSearch({ ...search, layout: "gallery" }).size > 0;
}

function dayOf(text: string | null): string {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(startOf(text)) ? text : "";
}

/** When a day begins where the reader is, in milliseconds; `later` days after it. */
function startOf(day: string, later = 0): number {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).getTime();
}
