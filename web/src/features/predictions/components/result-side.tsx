import { Anchor, Group, Slider, Stack, Text } from "@mantine/core";
import type { Prediction } from "@/api/generated/types.gen";
import { LEAST_SCORE } from "../api/submit-prediction";
import type { ShownDetection } from "../lib/labels";
import { DetectionTable } from "./detection-table";

interface ResultSideProps {
  prediction: Prediction;
  detections: ShownDetection[];
  /** Of the labels. */
  language: string;
  threshold: number;
  onThreshold: (threshold: number) => void;
  active: number | null;
  onActive: (index: number | null) => void;
}

/** Beside the picture: the score slider, what was found, how long it took, and what can be taken home. */
export function ResultSide(props: ResultSideProps) {
  const { prediction, detections, language, threshold, onThreshold, active, onActive } = props;
  return (
    <Stack gap="md">
      <div>
        <Group justify="space-between" mb={6}>
          <Text size="sm" fw={500} id="score-label">
            Least score
          </Text>
          <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
            {threshold.toFixed(2)}
          </Text>
        </Group>
        <Slider
          min={LEAST_SCORE}
          max={1}
          step={0.01}
          value={threshold}
          onChange={onThreshold}
          label={null}
          thumbProps={{ "aria-labelledby": "score-label" }}
        />
      </div>
      <DetectionTable detections={detections} active={active} onActive={onActive} />
      <Timings prediction={prediction} />
      <Downloads
        prediction={prediction}
        query={new URLSearchParams({ score_threshold: String(threshold), lang: language })}
      />
    </Stack>
  );
}

function Timings({ prediction }: { prediction: Prediction }) {
  const { total, inference } = prediction.timings_ms;
  if (total === undefined || inference === undefined) {
    return null;
  }
  return (
    <Text size="sm" c="dimmed">
      {Math.round(total)} ms in all, {Math.round(inference)} ms of it the network, by{" "}
      {prediction.model.name}@{prediction.model.version}
    </Text>
  );
}

function Downloads({ prediction, query }: { prediction: Prediction; query: URLSearchParams }) {
  const { links } = prediction;
  if (!links?.annotated) {
    return null;
  }
  return (
    <Group gap="md">
      <Anchor size="sm" underline="always" href={`${links.annotated}?${query}`} download>
        Picture with boxes
      </Anchor>
      <Anchor size="sm" underline="always" href={links.self} target="_blank">
        JSON
      </Anchor>
    </Group>
  );
}
