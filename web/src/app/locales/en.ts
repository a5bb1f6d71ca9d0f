import history from "@/features/history/locales/en.json";
import models from "@/features/models/locales/en.json";
import predict from "@/features/predict/locales/en.json";
import queue from "@/features/queue/locales/en.json";
import rerun from "@/features/rerun/locales/en.json";
import session from "@/features/session/locales/en.json";
import viewer from "@/features/viewer/locales/en.json";
import common from "@/lib/i18n/locales/common.en.json";
import errors from "@/lib/i18n/locales/errors.en.json";

/** The texts of the page in English: a namespace a feature. English is what keys are checked against. */
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
  account: async () => (await import("@/features/account/locales/en.json")).default,
};

export type Catalogue = typeof catalogue & {
  [Name in keyof typeof later]: Awaited<ReturnType<(typeof later)[Name]>>;
};
