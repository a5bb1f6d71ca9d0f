import { Code, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "@/components/ui/copy-button";
import { classesOf } from "../lib/detections";
import { askedFor, SNIPPETS, type SnippetLanguage } from "../lib/snippets";
import type { SidePanelProps } from "./side-panel";

const LANGUAGES: { value: SnippetLanguage; label: string }[] = [
  { value: "curl", label: "curl" },
  { value: "python", label: "Python" },
  { value: "javascript", label: "JavaScript" },
];

/** How a program asks for what is on the screen. */
export function CodeTab({ prediction, card, score, view }: SidePanelProps) {
  const { t } = useTranslation("viewer");
  const [language, setLanguage] = useState<SnippetLanguage>("curl");
  const { result } = prediction;
  const detections = result?.kind === "detections" ? result.detections : undefined;
  const properties = (card?.parameters.properties ?? {}) as Record<string, { default?: unknown }>;
  const defaults = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, schema.default]),
  );
  const code = SNIPPETS[language](
    askedFor(
      prediction,
      {
        origin: window.location.origin,
        score: detections ? score : null,
        classes: detections ? classesOf(detections, view.hidden) : [],
      },
      defaults,
    ),
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          data={LANGUAGES}
          value={language}
          onChange={(value) => setLanguage(value as SnippetLanguage)}
          aria-label={t(($) => $.code.language)}
        />
        <CopyButton text={code} />
      </Group>
      <Code block lang="en" tabIndex={0} aria-label={t(($) => $.code.program)}>
        {code}
      </Code>
      <Text size="xs" c="dimmed">
        {t(($) => $.code.hint)}
      </Text>
    </Stack>
  );
}
