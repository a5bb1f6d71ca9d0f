import { Group, Progress, Stack, Text } from "@mantine/core";
import type { LabelScore } from "@/api/generated/types.gen";

/** What a classifier thinks, best first: a bar for each label. */
export function ClassBars({ classes }: { classes: LabelScore[] }) {
  return (
    <Stack component="ol" gap="xs" p={0} m={0} aria-label="Classes" style={{ listStyle: "none" }}>
      {classes.map(({ label, score }) => (
        <li key={label}>
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" fw={500}>
              {label}
            </Text>
            <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
              {score.toFixed(2)}
            </Text>
          </Group>
          <Progress value={score * 100} aria-hidden />
        </li>
      ))}
    </Stack>
  );
}
