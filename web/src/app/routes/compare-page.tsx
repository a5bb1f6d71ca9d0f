import { Anchor, Group, Stack, Switch, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import type { ReactZoomPanPinchRef } from "react-zoom-pan-pinch";
import { problemOf } from "@/api/http";
import { predictionOptions } from "@/api/predictions";
import { PageLoading } from "@/app/layout/page-loading";
import { PredictionActions } from "@/app/routes/prediction-actions";
import { ProblemAlert } from "@/components/ui/problem-alert";
import type { Move } from "@/features/viewer/components/stage";
import { Viewer } from "@/features/viewer/components/viewer";
import { type View, WHOLE_VIEW } from "@/features/viewer/lib/detections";
import classes from "./compare-page.module.css";

/** Two predictions side by side; what is enlarged in one is enlarged in the other. */
export function ComparePage() {
  const { left = "", right = "" } = useParams();
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.compare.title)} · ${tc(($) => $.app.name)}`);
  const [linked, setLinked] = useState(true);
  const one = useRef<ReactZoomPanPinchRef>(null);
  const other = useRef<ReactZoomPanPinchRef>(null);
  const following = useRef(false);
  const follow = (ref: React.RefObject<ReactZoomPanPinchRef | null>) => (move: Move) => {
    // What follows is not followed: two that have other limits would chase each other.
    if (linked && !following.current) {
      following.current = true;
      moveLike(ref.current, move);
      following.current = false;
    }
  };
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="md">
          <Anchor component={Link} to="/history" size="sm">
            <IconArrowLeft size={14} aria-hidden /> {t(($) => $.back)}
          </Anchor>
          <Title order={1} size="h4">
            {t(($) => $.compare.title)}
          </Title>
        </Group>
        <Switch
          label={t(($) => $.compare.linked)}
          checked={linked}
          onChange={(event) => setLinked(event.currentTarget.checked)}
        />
      </Group>
      <div className={classes.sides}>
        <Side taskId={left} zoomRef={one} onMove={follow(other)} label={t(($) => $.compare.left)} />
        <Side
          taskId={right}
          zoomRef={other}
          onMove={follow(one)}
          label={t(($) => $.compare.right)}
        />
      </div>
    </Stack>
  );
}

interface SideProps {
  taskId: string;
  label: string;
  zoomRef: React.RefObject<ReactZoomPanPinchRef | null>;
  onMove: (move: Move) => void;
}

function Side({ taskId, label, zoomRef, onMove }: SideProps) {
  const { data, error, refetch } = useQuery(predictionOptions(taskId));
  const [view, setView] = useState<View>(WHOLE_VIEW);
  return (
    <section aria-label={label} className={classes.side}>
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {!data && !error && <PageLoading />}
      {data && (
        <Viewer
          prediction={data}
          view={view}
          onView={setView}
          zoomRef={zoomRef}
          onMove={onMove}
          stacked
          actions={<PredictionActions prediction={data} />}
        />
      )}
    </section>
  );
}

/** Has a stage follow another one. */
function moveLike(stage: ReactZoomPanPinchRef | null, { zoom, x, y }: Move): void {
  const width = stage?.instance.wrapperComponent?.offsetWidth;
  if (!stage || !width) {
    return;
  }
  void stage.setTransform(x * width, y * width, zoom, 0);
}
