import { Alert, Card, Title } from "@mantine/core";
import { IconHourglassOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import type { Load } from "../hooks/use-queue";
import { Measure } from "./measure";
import classes from "./queue-card.module.css";

const WORDS = {
  no_worker: "noWorker",
  drained: "drained",
  broker_unavailable: "noBroker",
} as const;

/** What one model has to do: how much waits and runs, how fast it goes, and who does it. */
export function QueueCard({ queue }: { queue: Load }) {
  const { t } = useTranslation("queue");
  const { t: tc } = useTranslation();
  const format = useFormat();
  const { load } = queue;
  const { reason } = load;
  return (
    <Card withBorder padding="lg" component="section" aria-label={load.model}>
      <Title order={2} size="h5" mb="md">
        {load.model}
      </Title>
      {reason && (
        <Alert color="yellow" variant="light" mb="md" icon={<IconHourglassOff aria-hidden />}>
          {tc(($) => $.status[WORDS[reason]])}
        </Alert>
      )}
      <div className={classes.measures}>
        <Measure
          name={t(($) => $.queued)}
          value={format.number(load.queued)}
          samples={queue.queued}
          hint={
            load.expected_wait_seconds === null || load.queued === 0
              ? undefined
              : t(($) => $.wait, { wait: format.duration(load.expected_wait_seconds) })
          }
        />
        <Measure
          name={t(($) => $.running)}
          value={format.number(load.running)}
          samples={queue.running}
        />
        <Measure
          name={t(($) => $.rate)}
          value={load.per_second === null ? "–" : format.number(load.per_second, 1)}
          samples={queue.rate}
          hint={t(($) => $.rateHint)}
        />
        <Measure
          name={t(($) => $.workers)}
          value={format.number(load.workers)}
          samples={queue.workers}
          hint={t(($) => $.slots, { count: load.slots, number: format.number(load.slots) })}
        />
      </div>
    </Card>
  );
}
