import { Anchor, Stack, VisuallyHidden } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconArrowLeft } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { problemOf } from "@/api/http";
import { itemsOf, predictionOptions, predictionsOptions } from "@/api/predictions";
import { PageLoading } from "@/app/layout/page-loading";
import { PredictionActions } from "@/app/routes/prediction-actions";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { filterOf } from "@/features/history/lib/search";
import { useUploads } from "@/features/predict/hooks/uploads-provider";
import { Viewer } from "@/features/viewer/components/viewer";
import { usePreloaded } from "@/features/viewer/hooks/use-preloaded";
import { type View, WHOLE_VIEW } from "@/features/viewer/lib/detections";

/** One prediction; its address carries the filters of the history, whose pictures one walks through. */
export function PredictionPage() {
  const { taskId = "" } = useParams();
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const { files } = useUploads();
  const { data, error, refetch } = useQuery(predictionOptions(taskId));
  const list = useInfiniteQuery(predictionsOptions(filterOf(search)));
  const [view, setView] = useState<View>(WHOLE_VIEW);
  const items = itemsOf(list.data);
  const position = items.findIndex(({ task_id }) => task_id === taskId);
  const before = position < 0 ? undefined : items[position - 1];
  const after = position < 0 ? undefined : items[position + 1];
  usePreloaded([after, before]);
  const name = data?.input.filename ?? taskId;
  useDocumentTitle(`${name} · ${tc(($) => $.app.name)}`);
  const go = (id: string) => void navigate(`/predictions/${id}?${search}`, { replace: true });
  return (
    <Stack gap="sm" style={{ "--viewer-above": "130px" }}>
      <VisuallyHidden component="h1">{name}</VisuallyHidden>
      <Anchor component={Link} to={`/history?${search}`} size="sm" w="fit-content">
        <IconArrowLeft size={14} aria-hidden /> {t(($) => $.back)}
      </Anchor>
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {!data && !error && <PageLoading />}
      {data && (
        <Viewer
          prediction={data}
          file={files.get(data.task_id)}
          view={view}
          onView={setView}
          walk={{
            position,
            total: position < 0 ? 1 : items.length,
            onPrevious: before && (() => go(before.task_id)),
            onNext: after && (() => go(after.task_id)),
          }}
          actions={
            <PredictionActions
              prediction={data}
              onDeleted={() => void navigate(`/history?${search}`, { replace: true })}
            />
          }
        />
      )}
    </Stack>
  );
}
