import { Group, Text } from "@mantine/core";
import { useNow } from "../hooks/use-now";
import { outline, type Sample } from "../lib/samples";
import classes from "./queue-card.module.css";

const SIZE = { width: 240, height: 48 };
const TICK_MS = 1_000;

interface MeasureProps {
  name: string;
  value: string;
  samples: readonly Sample[];
  hint?: string | undefined;
}

/** A number, and how it came about over the last two minutes. */
export function Measure({ name, value, samples, hint }: MeasureProps) {
  const now = useNow(TICK_MS);
  const line = outline(samples, SIZE, now);
  const start = line.match(/^M([\d.]+)/)?.[1] ?? "0";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label={name}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" c="dimmed">
          {name}
        </Text>
        {hint && (
          <Text size="xs" c="dimmed" truncate>
            {hint}
          </Text>
        )}
      </Group>
      <Text fz={26} fw={650} lh={1.2} className="tabular">
        {value}
      </Text>
      <svg
        className={classes.chart}
        viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <line className={classes.base} x1="0" x2={SIZE.width} y1={SIZE.height} y2={SIZE.height} />
        <path className={classes.area} d={line && `${line}V${SIZE.height}H${start}Z`} />
        <path className={classes.line} d={line} />
      </svg>
    </div>
  );
}
