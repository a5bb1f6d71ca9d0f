import { Stack, Tabs, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard, Prediction } from "@/api/generated/types.gen";
import { useStatusText } from "@/components/prediction/use-status-text";
import { ProblemAlert } from "@/components/ui/problem-alert";
import type { ShownDetection } from "@/lib/labels/labels";
import type { Shown, View } from "../lib/detections";
import { CodeTab } from "./code-tab";
import { DetailsTab } from "./details-tab";
import { ResultTab } from "./result-tab";
import classes from "./viewer.module.css";

export interface SidePanelProps {
  prediction: Prediction;
  card: ModelCard | undefined;
  score: number;
  /** What was found, with its labels in `language`. */
  detections: ShownDetection[];
  language: string;
  shown: Shown[];
  view: View;
  onView: (view: View) => void;
  active: number | null;
  onActive: (index: number | null) => void;
  actions: ReactNode;
}

/** Beside the picture: what was found, how to ask for it by program, and all else that is known. */
export function SidePanel(props: SidePanelProps) {
  const { t } = useTranslation("viewer");
  const { prediction, actions } = props;
  const [tab, setTab] = useState<string | null>("result");
  return (
    <section className={classes.panel}>
      <Stack gap="xs" pb="xs">
        <Text fw={600} truncate title={prediction.input.filename ?? undefined}>
          {prediction.input.filename ?? prediction.task_id}
        </Text>
        <StatusLine {...props} />
        {actions}
      </Stack>
      <Tabs value={tab} onChange={setTab} keepMounted={false} className={classes.panel}>
        <Tabs.List grow>
          <Tabs.Tab value="result">{t(($) => $.panel.result)}</Tabs.Tab>
          <Tabs.Tab value="code">{t(($) => $.panel.code)}</Tabs.Tab>
          <Tabs.Tab value="details">{t(($) => $.panel.details)}</Tabs.Tab>
        </Tabs.List>
        <div className={classes.scroll}>
          <Tabs.Panel value="result" pt="md">
            <ResultTab {...props} />
          </Tabs.Panel>
          <Tabs.Panel value="code" pt="md">
            <CodeTab {...props} />
          </Tabs.Panel>
          <Tabs.Panel value="details" pt="md">
            <DetailsTab prediction={prediction} />
          </Tabs.Panel>
        </div>
      </Tabs>
    </section>
  );
}

function StatusLine({ prediction, shown, view }: SidePanelProps) {
  const { t } = useTranslation();
  const statusOf = useStatusText();
  const found = prediction.result?.kind === "detections";
  const nothing =
    view.hidden.length > 0 ? t(($) => $.status.nothingFoundOf) : t(($) => $.status.nothingFound);
  const counted = shown.length === 0 ? nothing : t(($) => $.status.found, { count: shown.length });
  return (
    <>
      <Text size="sm" c="dimmed" role="status" aria-live="polite">
        {found ? counted : statusOf(prediction)}
      </Text>
      {prediction.error && <ProblemAlert problem={prediction.error} />}
    </>
  );
}
