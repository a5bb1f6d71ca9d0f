import { Button, Group, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import type { ShownDetection } from "@/lib/labels/labels";
import { classColor } from "../lib/colors";
import { labelCounts } from "../lib/detections";
import classes from "./class-filter.module.css";

interface ClassFilterProps {
  detections: readonly ShownDetection[];
  score: number;
  hidden: readonly string[];
  onHidden: (hidden: string[]) => void;
}

/** Which classes are shown; each keeps its colour and its place, whatever is shown. */
export function ClassFilter({ detections, score, hidden, onHidden }: ClassFilterProps) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  const counts = labelCounts(detections, score);
  const toggle = (label: string) =>
    onHidden(hidden.includes(label) ? hidden.filter((one) => one !== label) : [...hidden, label]);
  if (counts.length < 2) {
    return null;
  }
  return (
    <fieldset className={classes.filter}>
      <Group justify="space-between" mb={6}>
        <Text component="legend" size="sm" fw={500} p={0}>
          {t(($) => $.classes.label)}
        </Text>
        <Group gap={4}>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={hidden.length === 0}
            onClick={() => onHidden([])}
          >
            {t(($) => $.classes.all)}
          </Button>
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => onHidden(counts.map(({ label }) => label))}
          >
            {t(($) => $.classes.none)}
          </Button>
        </Group>
      </Group>
      <div className={classes.chips}>
        {counts.map(({ label, name, classId, count }) => (
          <UnstyledButton
            key={label}
            className={classes.chip}
            aria-pressed={!hidden.includes(label)}
            data-absent={count === 0}
            onClick={() => toggle(label)}
          >
            <span
              className={classes.swatch}
              style={{ "--color": classColor(classId).fill }}
              aria-hidden
            />
            {name}
            <span className={`${classes.count} tabular`}>{format.number(count)}</span>
          </UnstyledButton>
        ))}
      </div>
    </fieldset>
  );
}
