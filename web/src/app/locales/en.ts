import account from "@/features/account/locales/en.json";
import history from "@/features/history/locales/en.json";
import models from "@/features/models/locales/en.json";
import predict from "@/features/predict/locales/en.json";
import queue from "@/features/queue/locales/en.json";
import rerun from "@/features/rerun/locales/en.json";
import session from "@/features/session/locales/en.json";
import viewer from "@/features/viewer/locales/en.json";
import common from "@/lib/i18n/locales/common.en.json";
import errors from "@/lib/i18n/locales/errors.en.json";

/** Every text of the page in English: a namespace a feature. English is what keys are checked against. */
export const catalogue = {
  account,
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

export type Catalogue = typeof catalogue;
