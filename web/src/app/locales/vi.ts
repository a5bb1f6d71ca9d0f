import history from "@/features/history/locales/vi.json";
import models from "@/features/models/locales/vi.json";
import predict from "@/features/predict/locales/vi.json";
import queue from "@/features/queue/locales/vi.json";
import rerun from "@/features/rerun/locales/vi.json";
import session from "@/features/session/locales/vi.json";
import viewer from "@/features/viewer/locales/vi.json";
import common from "@/lib/i18n/locales/common.vi.json";
import errors from "@/lib/i18n/locales/errors.vi.json";

/** The texts of the page in Vietnamese. */
export const catalogue = {
  common,
  errors,
  history,
  models,
  predict,
  queue,
  rerun,
  session,
  viewer,
};

/** Texts that are loaded with the page that needs them. */
export const later = {
  account: async () => (await import("@/features/account/locales/vi.json")).default,
};
