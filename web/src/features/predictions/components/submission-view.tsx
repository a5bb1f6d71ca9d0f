import { Alert, Grid, Progress, Stack, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { useState } from "react";
import type { Problem } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { defaultThreshold, useModelCard } from "../api/use-model-card";
import { usePrediction } from "../api/use-prediction";
import type { Submission } from "../hooks/use-submissions";
import { detectionsFrom } from "../lib/detections";
import { inLanguage, labelLanguage } from "../lib/labels";
import { hasBoxes, statusText } from "../lib/status";
import { DetectionOverlay } from "./detection-overlay";
import { PlainResult } from "./plain-result";
import { ResultSide } from "./result-side";

/** One input from its upload to its result. */
export function SubmissionView({ submission }: { submission: Submission }) {
  const { data, failureReason, error } = usePrediction(submission.accepted);
  const [chosen, setChosen] = useState<number | null>(null);
  const [active, setActive] = useState<number | null>(null);
  const prediction = (data ?? submission.accepted)?.prediction;
  const card = useModelCard(prediction?.model);
  const threshold = chosen ?? defaultThreshold(card);
  const problem = submission.problem ?? prediction?.error ?? (error ? problemOf(error) : null);
  if (problem) {
    return <ProblemAlert filename={submission.filename} problem={problem} />;
  }
  if (!prediction) {
    return <Uploading submission={submission} />;
  }
  const language = labelLanguage(card, navigator.languages);
  const detections = inLanguage(detectionsFrom(prediction, threshold), card, language);
  const hiccup = failureReason ? `${problemOf(failureReason).title}. Trying again …` : null;
  if (!hasBoxes(prediction)) {
    return <PlainResult prediction={prediction} status={hiccup ?? statusText(prediction, 0)} />;
  }
  return (
    <Grid gap="lg">
      <Grid.Col span={{ base: 12, md: 8 }}>
        <DetectionOverlay
          prediction={prediction}
          detections={detections}
          active={active}
          onActive={setActive}
        />
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <Stack gap="sm">
          <Text fw={600} role="status" aria-live="polite">
            {hiccup ?? statusText(prediction, detections.length)}
          </Text>
          {prediction.state === "succeeded" && (
            <ResultSide
              prediction={prediction}
              detections={detections}
              language={language}
              threshold={threshold}
              onThreshold={(score) => {
                setActive(null);
                setChosen(score);
              }}
              active={active}
              onActive={setActive}
            />
          )}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Uploading({ submission }: { submission: Submission }) {
  return (
    <Stack gap="xs" py="xl">
      <Text role="status" aria-live="polite">
        {submission.waiting ?? `Sending ${submission.filename} …`}
      </Text>
      <Progress value={submission.progress * 100} aria-label={`Upload of ${submission.filename}`} />
    </Stack>
  );
}

function ProblemAlert({ filename, problem }: { filename: string; problem: Problem }) {
  return (
    <Alert color="red" title={problem.title} icon={<IconAlertCircle aria-hidden />} variant="light">
      <Text size="sm">
        {filename}: {problem.detail}
      </Text>
    </Alert>
  );
}
