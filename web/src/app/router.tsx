import type { ReactNode } from "react";
import { BrowserRouter, Route, Routes } from "react-router";
import { Layout } from "@/app/layout/layout";
import { NotFoundPage } from "@/app/routes/not-found-page";
import { lazily } from "@/lib/lazily";

const PredictPage = lazily(async () => (await import("@/app/routes/predict-page")).PredictPage);
const PredictionPage = lazily(
  async () => (await import("@/app/routes/prediction-page")).PredictionPage,
);
const HistoryPage = lazily(async () => (await import("@/app/routes/history-page")).HistoryPage);
const ComparePage = lazily(async () => (await import("@/app/routes/compare-page")).ComparePage);
const QueuePage = lazily(async () => (await import("@/app/routes/queue-page")).QueuePage);
const ModelsPage = lazily(async () => (await import("@/app/routes/models-page")).ModelsPage);
const AccountPage = lazily(async () => (await import("@/app/routes/account-page")).AccountPage);

/** The pages and their addresses. */
export function Router({ account }: { account: ReactNode }) {
  return (
    <BrowserRouter>
      <Routes>
        <Route element={<Layout account={account} />}>
          <Route index element={<PredictPage />} />
          <Route path="predictions/:taskId" element={<PredictionPage />} />
          <Route path="history" element={<HistoryPage />} />
          <Route path="compare/:left/:right" element={<ComparePage />} />
          <Route path="queue" element={<QueuePage />} />
          <Route path="models" element={<ModelsPage />} />
          <Route path="account" element={<AccountPage />} />
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}
