import { Skeleton, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { isTerminal } from "@/api/filters";
import { ClassFilter } from "./class-filter";
import { ClassificationBars } from "./classification-bars";
import { DetectionList } from "./detection-list";
import { Downloads } from "./downloads";
import { JsonResult } from "./json-result";
import { ScoreSlider } from "./score-slider";
import type { SidePanelProps } from "./side-panel";

/** What a prediction has come to, by its kind. */
export function ResultTab(props: SidePanelProps) {
  const { t } = useTranslation("viewer");
  const { prediction } = props;
  const { result } = prediction;
  switch (result?.kind) {
    case "detections":
      return <DetectionsResult {...props} />;
    case "classification":
      return (
        <Stack gap="md">
          <ClassificationBars classes={result.classes} />
          <Downloads
            prediction={prediction}
            score={props.score}
            hidden={[]}
            language={props.language}
          />
        </Stack>
      );
    case "json":
      return <JsonResult prediction={prediction} data={result.data} />;
    case undefined:
      return isTerminal(prediction) ? (
        <Text size="sm" c="dimmed">
          {t(($) => $.result.none)}
        </Text>
      ) : (
        <Stack gap="xs" aria-hidden>
          <Skeleton height={20} />
          <Skeleton height={20} width="80%" />
          <Skeleton height={20} width="60%" />
        </Stack>
      );
  }
}

function DetectionsResult(props: SidePanelProps) {
  const { prediction, card, score, detections, shown, view, onView, active, onActive } = props;
  const change = (changes: Partial<typeof view>) => {
    onActive(null);
    onView({ ...view, ...changes });
  };
  return (
    <Stack gap="md">
      <ScoreSlider
        score={score}
        isDefault={view.score === null}
        card={card}
        onScore={(next) => change({ score: next })}
      />
      <ClassFilter
        detections={detections}
        score={score}
        hidden={view.hidden}
        onHidden={(hidden) => change({ hidden })}
      />
      <DetectionList shown={shown} active={active} onActive={onActive} />
      <Downloads
        prediction={prediction}
        score={score}
        hidden={view.hidden}
        language={props.language}
      />
    </Stack>
  );
}
