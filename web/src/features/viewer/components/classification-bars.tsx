import { Stack, Text } from "@mantine/core";
import type { LabelScore } from "@/api/generated/types.gen";
import { useFormat } from "@/lib/format/use-format";
import classes from "./classification-bars.module.css";

const MOST = 20;

/** What a classifier thinks of an input, best first, as bars. */
export function ClassificationBars({ classes: ranked }: { classes: readonly LabelScore[] }) {
  const format = useFormat();
  return (
    <Stack component="ol" gap={8} m={0} p={0} className={classes.bars}>
      {ranked.slice(0, MOST).map(({ label, score }) => (
        <li key={label} className={classes.bar}>
          <span className={classes.label}>
            <Text span size="sm" truncate>
              {label}
            </Text>
            <Text span size="sm" className="tabular">
              {format.percent(score)}
            </Text>
          </span>
          <span className={classes.track} aria-hidden>
            <span style={{ width: `${Math.max(0, Math.min(score, 1)) * 100}%` }} />
          </span>
        </li>
      ))}
    </Stack>
  );
}
