import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";
import { useFormat } from "@/lib/format/use-format";

/** Says where an unfinished prediction stands, or how it ended. */
export function useStatusText(): (prediction: Prediction) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const queued = ({ queue }: Prediction): string => {
    if (queue?.reason === "no_worker") {
      return t(($) => $.status.noWorker);
    }
    if (queue?.reason === "drained") {
      return t(($) => $.status.drained);
    }
    if (queue?.reason === "broker_unavailable") {
      return t(($) => $.status.noBroker);
    }
    if (!queue?.ahead) {
      return t(($) => $.status.nextInLine);
    }
    const ahead = format.number(queue.ahead);
    return queue.starts_in_seconds === null
      ? t(($) => $.status.ahead, { ahead })
      : t(($) => $.status.aheadWithTime, {
          ahead,
          wait: format.duration(Math.max(1, Math.round(queue.starts_in_seconds))),
        });
  };
  return (prediction) => {
    switch (prediction.state) {
      case "queued":
        return queued(prediction);
      case "running":
        return prediction.input.kind === "image"
          ? t(($) => $.status.running)
          : t(($) => $.status.atWork);
      case "succeeded":
        return t(($) => $.status.finished);
      case "failed":
        return t(($) => $.status.failed);
      case "canceled":
        return t(($) => $.status.canceled);
    }
  };
}
