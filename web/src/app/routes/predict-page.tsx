import { Box, Button, Group, Stack, Title, VisuallyHidden } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconPhotoOff, IconRefresh } from "@tabler/icons-react";
import { Suspense, useCallback, useDeferredValue, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { batchesCancel } from "@/api/generated/sdk.gen";
import { problemOf } from "@/api/http";
import { referenceOf } from "@/api/models";
import { PageLoading } from "@/app/layout/page-loading";
import { EmptyState } from "@/components/ui/empty-state";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { InputArea } from "@/features/predict/components/input-area";
import { ItemStrip } from "@/features/predict/components/item-strip";
import { ProgressSummary } from "@/features/predict/components/progress-summary";
import { Samples } from "@/features/predict/components/samples";
import { SettingsBar } from "@/features/predict/components/settings-bar";
import { UploadPanel } from "@/features/predict/components/upload-panel";
import { useUploads } from "@/features/predict/hooks/uploads-provider";
import { useBatches } from "@/features/predict/hooks/use-batches";
import { useDrop } from "@/features/predict/hooks/use-drop";
import { useItems } from "@/features/predict/hooks/use-items";
import { useSettings } from "@/features/predict/hooks/use-settings";
import { type Item, tallyOf } from "@/features/predict/lib/items";
import { usePreloaded } from "@/features/viewer/hooks/use-preloaded";
import { type View, WHOLE_VIEW } from "@/features/viewer/lib/detections";
import { lazily } from "@/lib/lazily";

// The first page is there before what it takes to look at a result, which is fetched while nobody waits for it.
const Viewer = lazily(async () => (await import("@/features/viewer/components/viewer")).Viewer);
const PredictionActions = lazily(
  async () => (await import("@/app/routes/prediction-actions")).PredictionActions,
);

/** Where inputs are given and their results looked at. */
export function PredictPage() {
  const { t } = useTranslation("predict");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  const { batches, show, clear } = useBatches();
  const { items, isPending, error } = useItems(batches);
  const settings = useSettings();
  const send = useDrop(show, settings.card ? referenceOf(settings.card) : null, settings.values);
  const [picked, setPicked] = useState<string>();
  const addAndShow = useCallback(
    (files: File[]) => {
      if (files.length > 0) {
        void send(files).then(setPicked);
      }
    },
    [send],
  );
  if (batches.length === 0) {
    return <Start onFiles={addAndShow} settings={settings} />;
  }
  return (
    <Stack gap="sm" style={{ "--viewer-above": items.length > 1 ? "236px" : "150px" }}>
      <VisuallyHidden component="h1">{t(($) => $.heading)}</VisuallyHidden>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <InputArea card={settings.card} onFiles={addAndShow} compact />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={clear}
          >
            {t(($) => $.clear)}
          </Button>
        </Group>
        <SettingsBar settings={settings} compact />
      </Group>
      {error && items.length === 0 && <ProblemAlert problem={problemOf(error)} />}
      {isPending && items.length === 0 && <PageLoading />}
      {!isPending && !error && items.length === 0 && (
        <EmptyState
          icon={<IconPhotoOff size={40} stroke={1.4} />}
          title={t(($) => $.gone)}
          hint={t(($) => $.goneHint)}
        />
      )}
      {items.length > 0 && (
        <Results items={items} picked={picked} onPick={setPicked} batches={batches} />
      )}
    </Stack>
  );
}

interface StartProps {
  onFiles: (files: File[]) => void;
  settings: ReturnType<typeof useSettings>;
}

function Start({ onFiles, settings }: StartProps) {
  const { t } = useTranslation("predict");
  const takesPictures = (settings.card?.input_kind ?? "image") === "image";
  useEffect(() => {
    Viewer.preload();
    PredictionActions.preload();
  }, []);
  return (
    <Stack gap="xl" maw={880} mx="auto" pt={{ base: "xs", sm: "xl" }}>
      <Title order={1} size="h2" ta="center">
        {takesPictures ? t(($) => $.heading) : t(($) => $.plainHeading)}
      </Title>
      <InputArea card={settings.card} onFiles={onFiles} compact={false} />
      <Group justify="center">
        <Box maw="100%" mih={62}>
          <SettingsBar settings={settings} compact={false} />
        </Box>
      </Group>
      {takesPictures && <Samples onFiles={onFiles} />}
    </Stack>
  );
}

interface ResultsProps {
  items: Item[];
  picked: string | undefined;
  onPick: (id: string) => void;
  batches: string[];
}

function Results({ items, picked, onPick, batches }: ResultsProps) {
  const { queue, files, became } = useUploads();
  const [view, setView] = useState<View>(WHOLE_VIEW);
  const wanted = picked === undefined ? undefined : (became.get(picked) ?? picked);
  const position = Math.max(
    0,
    items.findIndex(({ id }) => id === wanted),
  );
  // Hundreds of small pictures must not hold up the large one.
  const strip = useDeferredValue(items);
  const item = items[position];
  const before = items[position - 1];
  const after = items[position + 1];
  usePreloaded([after?.prediction, before?.prediction]);
  const prediction = item?.prediction;
  // The same ones as before while only other pictures change: then the viewer need not be drawn again.
  const [previousId, nextId, total] = [before?.id, after?.id, items.length];
  const walk = useMemo(
    () => ({
      position,
      total,
      onPrevious: previousId === undefined ? undefined : () => onPick(previousId),
      onNext: nextId === undefined ? undefined : () => onPick(nextId),
    }),
    [position, total, previousId, nextId, onPick],
  );
  const actions = useMemo(
    () => prediction && <PredictionActions prediction={prediction} />,
    [prediction],
  );
  const cancelAll = () => {
    queue.cancel(items.flatMap(({ upload }) => (upload && !upload.problem ? [upload.key] : [])));
    for (const batch of batches) {
      void batchesCancel({ path: { batch } });
    }
  };
  return (
    <>
      <ProgressSummary tally={tallyOf(items)} onCancel={cancelAll} />
      {items.length > 1 && <ItemStrip items={strip} selected={item?.id} onSelect={onPick} />}
      {item?.upload && <UploadPanel upload={item.upload} />}
      {prediction && (
        <Suspense fallback={<PageLoading />}>
          <Viewer
            prediction={prediction}
            file={files.get(prediction.task_id)}
            view={view}
            onView={setView}
            walk={walk}
            actions={actions}
          />
        </Suspense>
      )}
    </>
  );
}
