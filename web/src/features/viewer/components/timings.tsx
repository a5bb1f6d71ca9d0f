import { Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import classes from "./timings.module.css";

const STAGES = ["queued", "read", "preprocess", "inference", "postprocess"] as const;

/** Where a prediction's time went, as bars on one line of time. */
export function Timings({ timings }: { timings: Record<string, number> }) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  const stages = STAGES.filter((stage) => timings[stage] !== undefined);
  const sum = stages.reduce((total, stage) => total + (timings[stage] ?? 0), 0);
  if (stages.length === 0) {
    return null;
  }
  let before = 0;
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>
        {t(($) => $.timings.title, { total: format.milliseconds(timings.total ?? sum) })}
      </Text>
      <dl className={classes.timings}>
        {stages.map((stage) => {
          const length = timings[stage] ?? 0;
          const left = (before / Math.max(sum, 0.001)) * 100;
          before += length;
          return (
            <div key={stage} className={classes.stage}>
              <dt>{t(($) => $.timings[stage])}</dt>
              <dd className={classes.track} aria-hidden>
                <span
                  style={{ left: `${left}%`, width: `${(length / Math.max(sum, 0.001)) * 100}%` }}
                />
              </dd>
              <dd className="tabular">{format.milliseconds(length)}</dd>
            </div>
          );
        })}
      </dl>
    </Stack>
  );
}
